"""What runs: flavors, images, key pairs, server groups, servers; and where: aggregates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import Field

from onestack.language.types import Address, Bool, Problem, Section, Text, example
from onestack.language.words import (
    Amount,
    Content,
    Counted,
    FlavorRef,
    ImageRef,
    KeypairRef,
    Named,
    NetworkRef,
    PortRef,
    SecurityGroupRef,
    ServerGroupRef,
    Size,
    TenantRef,
    Texts,
    UserRef,
    VolumeRef,
)

# What every new cloud has: name -> vCPUs, MiB of memory, GiB of disk. DevStack's, which public examples assume; its
# m1.nano is as large as its test image, and so is ours.
FLAVORS = {
    "m1.nano": (1, 128, 1),
    "m1.micro": (1, 256, 1),
    "m1.tiny": (1, 512, 1),
    "m1.small": (1, 2048, 20),
    "m1.medium": (2, 4096, 40),
    "m1.large": (4, 8192, 80),
    "m1.xlarge": (8, 16384, 160),
}

_CHECKSUM = re.compile(r"sha256:[0-9a-fA-F]{64}|sha512:[0-9a-fA-F]{128}|md5:[0-9a-fA-F]{32}")

_SHOP = """\
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
"""


class Flavor(Named):
    """A size that servers may have. Every cloud has m1.nano (for the image `tiny`), m1.micro, m1.tiny, m1.small,
    m1.medium, m1.large and m1.xlarge."""

    model_config = example("""\
flavors:
  - {name: web.small, vcpus: 2, ram: 2048, disk: 20}
""")

    vcpus: Size
    """Virtual CPUs."""
    ram: Size
    """Memory, in MiB."""
    disk: Amount = 0
    """Root disk, in GiB; 0: as large as the image."""
    ephemeral: Amount = 0
    """A second disk, in GiB."""
    swap: Amount = 0
    """Swap, in MiB."""
    extra_specs: Texts = Field(default_factory=dict)
    """What else hypervisors are told."""
    tenants: tuple[TenantRef, ...] = ()
    """The tenants that may use it; unless said all."""


class Image(Named):
    """A disk that servers start from. Every cloud has `tiny`."""

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
    """Where it lies on this machine: an absolute path."""
    url: Text | None = None
    """In place of a file: where this machine fetches it from: http://, https:// or file://."""
    checksum: Text | None = None
    """What it must have: `sha256:`, `sha512:` or `md5:` and the digits. Else no image is made."""
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
    """Whether it is kept from being deleted by hand."""
    properties: Texts = Field(default_factory=dict)
    """What else is known of it."""

    def problems(self) -> Iterator[Problem]:
        if (self.file is None) == (self.url is None):
            yield Problem("an image is made of one thing", "one of 'file' and 'url'", path=("file",))
        if self.url is not None and not re.match(r"(https?://[^/\s]+|file:///)\S*\Z", self.url):
            yield Problem(f"'{self.url}' is no address", "http://, https:// or file://", path=("url",))
        if self.checksum is not None and not _CHECKSUM.fullmatch(self.checksum):
            allowed = "sha256:, sha512: or md5:, and as many digits (0-9, a-f) as it has"
            yield Problem(f"'{self.checksum}' is no checksum", allowed, path=("checksum",))
        if self.file is not None and not self.file.startswith("/"):
            yield Problem(f"'{self.file}' is not an absolute path", "an absolute path", path=("file",))
        if self.members and self.visibility != "shared":
            yield Problem(f"members of a {self.visibility} image", "visibility: shared", path=("members",))


class Keypair(Named):
    """A public key that servers let in."""

    model_config = example("""\
tenants:
  - name: shop
    users: [{name: anna, roles: [member]}]
    keypairs:
      - {name: laptop, public_key: "file:/root/.ssh/id_ed25519.pub", users: [anna]}
""")

    public_key: Content
    """The key, or the file it is in: `file:/root/.ssh/id_ed25519.pub`."""
    users: tuple[UserRef, ...] = ()
    """The users who see it as theirs too."""


class ServerGroup(Counted):
    """Servers that are kept together or apart."""

    model_config = example("""\
tenants:
  - name: shop
    server_groups: [{name: apart, policy: soft-anti-affinity}]
""")

    policy: Literal["affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity"] = "anti-affinity"
    """Together on one host (`affinity`) or apart; `soft`: as far as that can be."""


class Nic(Section):
    """A server's place in a network."""

    model_config = example(
        _SHOP
        + """\
    servers:
      - {name: db, flavor: m1.nano, image: tiny, networks: [{network: front, address: 10.1.0.20}]}
"""
    )

    network: NetworkRef | None = None
    """The network."""
    address: Address | None = None
    """The server's address in it; unless said one that is free."""
    port: PortRef | None = None
    """In place of a network: a port of `ports`."""

    def problems(self) -> Iterator[Problem]:
        if (self.network is None) == (self.port is None):
            yield Problem("a network or a port", "one of 'network' and 'port'", path=("network",))


def _nics(value: Any) -> Any:
    return {"network": value} if isinstance(value, str) else value


class Server(Counted):
    """A virtual machine."""

    model_config = example(
        _SHOP
        + """\
    security_groups: [{name: web, rules: [{protocol: tcp, ports: 80}]}]
    server_groups: [{name: apart}]
    routers: [{name: edge, external: public, networks: [front]}]
    servers:
      - name: web-${index}
        count: 3
        image: tiny
        flavor: m1.nano
        networks: [{network: front}]
        security_groups: [web]
        server_group: apart
        floating_ip: public
        metadata: {tier: front}
"""
    )

    flavor: FlavorRef
    """Its size."""
    image: ImageRef | None = None
    """What it starts from."""
    boot_volume: VolumeRef | None = None
    """In place of an image: a volume of `volumes` that holds a system."""
    networks: tuple[Nic, ...] = ()
    """Where it is plugged in, in this order."""
    security_groups: tuple[SecurityGroupRef, ...] | None = None
    """What may reach it; unless said the tenant's group `default`."""
    floating_ip: NetworkRef | None = None
    """The external network it is given a public address from."""
    keypair: KeypairRef | None = None
    """The key it lets in."""
    server_group: ServerGroupRef | None = None
    """The group that says on which hosts it may be."""
    volumes: tuple[VolumeRef, ...] = ()
    """Volumes that are attached to it."""
    user_data: Content | None = None
    """What cloud-init runs in it: the text, or `file:PATH`."""
    metadata: Texts = Field(default_factory=dict)
    """What it is told of itself."""
    zone: Text | None = None
    """The availability zone it is placed in."""
    host: Text | None = None
    """The host it is placed on."""
    config_drive: Bool = False
    """Whether its metadata is on a disk of its own."""
    state: Literal["running", "stopped"] = "running"
    """Whether it runs."""
    description: Text = ""
    """What it is for."""

    def problems(self) -> Iterator[Problem]:
        if (self.image is None) == (self.boot_volume is None):
            yield Problem("a server starts from one thing", "'image' or 'boot_volume'", path=("image",))
        if self.floating_ip and not self.networks:
            yield Problem("a floating IP without a network", "at least one network", path=("floating_ip",))
        if self.boot_volume and self.boot_volume in self.volumes:
            yield Problem(f"'{self.boot_volume}' is what it starts from", "other volumes", path=("volumes",))


class Aggregate(Named):
    """Hosts that belong together, perhaps as an availability zone."""

    model_config = example("""\
aggregates:
  - {name: rack-1, zone: east, hosts: [node-1], metadata: {ssd: "true"}}
""")

    zone: Text | None = None
    """The availability zone that its hosts make."""
    hosts: tuple[Text, ...] = ()
    """Its hosts, as Nova names them."""
    metadata: Texts = Field(default_factory=dict)
    """What is known of its hosts."""
