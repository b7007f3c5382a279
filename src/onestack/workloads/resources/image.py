"""Images. An image is registered, then uploaded; after an interruption it stays `queued`, and is replaced."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Literal

from pydantic import Field

from onestack.core.errors import BadInput, OneStackError, Place
from onestack.language.types import Bool, Problem, Text, example
from onestack.language.words import (
    Amount,
    Named,
    TenantRef,
    Texts,
)
from onestack.workloads.kind.base import LISTED_IN, Kind, Listed, Removal
from onestack.workloads.kind.checksum import verify
from onestack.workloads.kind.existing import Existing, Unsayable, without_none
from onestack.workloads.kind.ownership import KEY, InAttribute
from onestack.workloads.kind.scope import Scope, given
from onestack.workloads.kind.session import Index, Rest, Session
from onestack.workloads.plan.model import Change, Observed, Wanted
from onestack.workloads.plan.values import Ref, Value

_CONTAINER = "bare"


_KNOWN = frozenset(
    {
        *(
            "id",
            "name",
            "status",
            "visibility",
            "checksum",
            "os_hash_algo",
            "os_hash_value",
            "owner",
            "created_at",
        ),
        *(
            "updated_at",
            "disk_format",
            "container_format",
            "file",
            "schema",
            "self",
            "direct_url",
            "stores",
            KEY,
        ),
        *(
            "base_image_ref",
            "image_type",
            "instance_uuid",
            "boot_roles",
            "user_id",
            "image_location",
            "image_state",
        ),
        *("owner_id", "owner_project_name", "owner_user_name", LISTED_IN),
    }
)
"""What Glance itself says of an image, and what services note on it."""
_SERVICES = ("os_glance_", "owner_specified.")

_CHECKSUM = re.compile(r"sha256:[0-9a-fA-F]{64}|sha512:[0-9a-fA-F]{128}|md5:[0-9a-fA-F]{32}")


class Image(Named):
    """An image that servers boot from. Every cloud has `tiny`."""

    model_config = example("""\
images:
  - {name: debian, file: /srv/images/debian.qcow2, visibility: public}
tenants:
  - name: shop
    images:
      - {name: golden, file: /srv/images/golden.raw, format: raw, properties: {os_distro: debian}}
      - name: fetched
        url: https://images.example.org/fetched.qcow2
        checksum: sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
""")

    file: Text | None = None
    """The image's file on this machine: an absolute path."""
    url: Text | None = None
    """Instead of a file: the URL from which this machine downloads it: http://, https:// or file://."""
    checksum: Text | None = None
    """The expected checksum: `sha256:`, `sha512:` or `md5:` and the hexadecimal digits. Without a match no image is
    created."""
    format: Literal["qcow2", "raw", "vmdk", "vdi", "vhd", "iso"] = "qcow2"
    """Its format."""
    visibility: Literal["public", "private", "shared", "community"] = "shared"
    """Who may use it; `shared`: its tenant and those in `members`."""
    members: tuple[TenantRef, ...] = ()
    """Other tenants that may use it."""
    min_disk: Amount = 0
    """The smallest root disk for it, in GiB."""
    min_ram: Amount = 0
    """The smallest memory for it, in MiB."""
    protected: Bool = False
    """Whether it cannot be deleted by hand."""
    properties: Texts = Field(default_factory=dict)
    """Further properties."""

    def problems(self) -> Iterator[Problem]:
        if (self.file is None) == (self.url is None):
            yield Problem("an image has exactly one source", "one of 'file' and 'url'", path=("file",))
        if self.url is not None and not re.match(r"(https?://[^/\s]+|file:///)\S*\Z", self.url):
            yield Problem(f"'{self.url}' is not a valid URL", "http://, https:// or file://", path=("url",))
        if self.checksum is not None and not _CHECKSUM.fullmatch(self.checksum):
            allowed = "sha256:, sha512: or md5:, and as many digits (0-9, a-f) as it has"
            yield Problem(f"'{self.checksum}' is not a valid checksum", allowed, path=("checksum",))
        if self.file is not None and not self.file.startswith("/"):
            yield Problem(f"'{self.file}' is not an absolute path", "an absolute path", path=("file",))
        if self.members and self.visibility != "shared":
            yield Problem(f"members of a {self.visibility} image", "visibility: shared", path=("members",))


class Images(Kind):
    name, service = "image", "image"
    key = "images"
    in_tenant = Listed(Image, "The tenant's own images.")
    in_platform = Listed(Image, "The platform's images.")
    built_in = ("tiny",)
    removable = True
    removed_after = ("server", "volume")
    path, one, many = "/images", "image", "images"
    label_in = InAttribute()
    fields = ("name", "visibility", "disk_format", "min_disk", "min_ram", "protected", "status", "properties")
    immutable = frozenset({"disk_format", "status"})
    concurrency = 2

    def want(self, scope: Scope, item: Any, place: Place) -> Wanted:
        fields: dict[str, Value] = {
            "name": item.name,
            "visibility": item.visibility,
            "disk_format": item.format,
            "min_disk": item.min_disk,
            "min_ram": item.min_ram,
            "protected": item.protected,
            "status": "active",
            "properties": dict(item.properties),
        }
        wanted = self.of_tenant(
            scope, item.name, place, fields, create_only=given(item, "file", "url", "checksum")
        )
        create_only = dict(wanted.create_only)
        if scope.tenant:
            create_only["owner"] = Ref(scope.project)
            del create_only["project_id"]
        return Wanted(wanted.address, wanted.fields, create_only, wanted.needs, place)

    def parent(self, raw: dict[str, Any], index: Index) -> Any:
        return index.address("tenant", raw.get("owner"))

    def forbidden(self, sent: Mapping[str, Value]) -> list[str]:
        return ["visibility: public"] if sent.get("visibility") == "public" else []

    def reachable(self, raw: dict[str, Any]) -> bool:
        return raw["visibility"] in ("public", "community")

    def value(self, field: str, raw: dict[str, Any], index: Index) -> Value:
        # Glance stores properties at the same level as its own fields.
        return dict(raw) if field == "properties" else super().value(field, raw, index)

    def create(self, wanted: Wanted, session: Session) -> str:
        body = session.fill({**wanted.fields, **wanted.create_only, "container_format": _CONTAINER})
        file, url, checksum = (body.pop(key, None) for key in ("file", "url", "checksum"))
        body |= body.pop("properties")
        del body["status"]
        body[KEY] = f"{session.owner}:{wanted.address.path[-1]}"
        if url:
            with session.download(url, checksum, wanted.place) as content:
                return self._filled(body, content, session)
        try:
            with Path(file).open("rb") as content:
                verify(content, file, checksum, wanted.place)
                return self._filled(body, content, session)
        except OSError as error:
            raise BadInput(f"{file} cannot be read: {error.strerror}", where=wanted.place) from error

    def _filled(self, body: dict[str, Any], content: IO[bytes], session: Session) -> str:
        rest = session.rest(self.service)
        ident = str(rest.post(self.path, body)["id"])
        try:
            headers = {"Content-Type": "application/octet-stream"}
            rest.call("PUT", f"{self.path}/{ident}/file", data=content, headers=headers)
        except OneStackError:
            # A retry would create it twice.
            self._delete(ident, session, protected=body["protected"])
            raise
        return ident

    def update(self, change: Change, ident: str, session: Session) -> None:
        patch = []
        for name, (_, after) in change.fields.items():
            if name == "owner":
                patch.append((KEY, f"{session.owner}:{change.address.path[-1]}"))
            elif name == "properties":
                patch += list(after.items())
            else:
                patch.append((name, after))
        body = [{"op": "add", "path": f"/{name}", "value": value} for name, value in patch]
        headers = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
        session.rest(self.service).call("PATCH", f"{self.path}/{ident}", json=body, headers=headers)

    def delete(self, observed: Any, session: Session) -> None:
        self._delete(observed.id, session, protected=bool(observed.fields.get("protected")))

    def _delete(self, ident: str, session: Session, *, protected: bool) -> None:
        rest = session.rest(self.service)
        if protected:
            body = [{"op": "replace", "path": "/protected", "value": False}]
            headers = {"Content-Type": "application/openstack-images-v2.1-json-patch"}
            rest.call("PATCH", f"{self.path}/{ident}", json=body, headers=headers)
        rest.delete(f"{self.path}/{ident}")

    def removals(self, rest: Rest, project: str, *, everyone: bool) -> Iterator[Removal]:
        for raw in rest.all(self.path, self.many, owner=project):
            if raw["owner"] == project:
                yield Removal(raw["name"] or raw["id"], f"{self.path}/{raw['id']}")

    def item(self, one: Observed, there: Existing) -> dict[str, Any] | None:
        raw, fields, name = there.raw(one), one.fields, one.address.path[-1]
        if fields["status"] != "active":
            raise Unsayable(f"its status is {fields['status']}")
        properties = {
            key: value
            for key, value in raw.items()
            if isinstance(value, str) and key not in _KNOWN and not key.startswith(_SERVICES)
        }
        members = [tenant.path[-1] for (tenant,) in there.links("image member", one.address)]
        hashed = raw.get("os_hash_algo") == "sha512" and raw.get("os_hash_value")
        there.comment(
            one,
            f"its content is not in this file: openstack image save --file FILE {one.id}; then set 'file' or 'url'",
        )
        return without_none(
            name=name,
            file=f"/var/lib/images/{one.id}",
            checksum=f"sha512:{hashed}" if hashed else None,
            format=fields["disk_format"],
            visibility=fields["visibility"],
            members=members if fields["visibility"] == "shared" else [],
            min_disk=fields["min_disk"],
            min_ram=fields["min_ram"],
            protected=fields["protected"],
            properties=properties,
        )
