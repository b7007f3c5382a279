"""The clouds that a file's tenants are in: this machine's own, and others of clouds.yaml."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

from onestack.language.types import Bool, Problem, Section, example, pattern, text_schema

if TYPE_CHECKING:
    from onestack.spec.model import Spec

HERE = "here"
"""The cloud of tenants that name none, and of what tenants share and none uses."""

_ENTRY = "the name of an entry of clouds.yaml, without blanks or '/'"
EntryName = Annotated[str, pattern(r"[^\s/]+", _ENTRY), text_schema(_ENTRY)]


class CloudOfFile(Section):
    """A cloud that tenants of the file are in."""

    model_config = example("""\
clouds:
  here: {local: true}
  burst: {cloud: other-openstack}
existing: {networks: [public]}
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
  - name: shop-burst
    cloud: burst
    networks: [{name: front, subnets: [{cidr: 10.2.0.0/24}]}]
""")

    local: Bool = False
    """Whether it is this machine's own cloud."""
    cloud: EntryName | None = None
    """The entry of `clouds.yaml` with the account that works in it."""

    def problems(self) -> Iterator[Problem]:
        if self.local == (self.cloud is not None):
            yield Problem(
                "a cloud is either this machine's or one of clouds.yaml",
                "{local: true}, or {cloud: NAME} with the name of an entry of clouds.yaml",
            )


def problems(spec: Spec) -> Iterator[Problem]:
    """Tenants in clouds that the file does not have, and two clouds that are the same."""
    first: dict[str | None, str] = {}
    for name, entry in spec.clouds.items():
        other = first.setdefault(entry.cloud, name)
        if other != name:
            what = f"the entry '{entry.cloud}' of clouds.yaml" if entry.cloud else "this machine's cloud"
            yield Problem(f"'{other}' and '{name}' are both {what}", "each cloud once", path=("clouds", name))
    names = ", ".join(spec.clouds)
    for index, tenant in enumerate(spec.tenants):
        if tenant.cloud is not None and tenant.cloud not in spec.clouds:
            summary = f"there is no cloud '{tenant.cloud}' in the file"
            allowed = f"one of {names}" if names else "a cloud that is listed under 'clouds'"
            yield Problem(summary, allowed, path=("tenants", index, "cloud"))
        elif tenant.cloud is None and spec.clouds and HERE not in spec.clouds:
            yield Problem(
                f"the tenant '{tenant.name}' is in no cloud",
                f"cloud: one of {names}; without that key it is in the cloud '{HERE}', which the file does not have",
                path=("tenants", index),
            )
