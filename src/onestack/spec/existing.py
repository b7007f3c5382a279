"""Names of resources that a cloud has and the spec does not list."""

from __future__ import annotations

from onestack.language.types import Section, example
from onestack.language.words import ResourceName

Names = tuple[ResourceName, ...]


class Existing(Section):
    """Resources that the cloud has and the file does not list, by name: tenants may refer to them. They are neither
    created nor changed; a plan says if one is missing."""

    model_config = example("""\
existing:
  images: [ubuntu-24.04]
  flavors: [b2-7]
  networks: [ext-net]
tenants:
  - name: shop
    networks: [{name: front, subnets: [{cidr: 10.1.0.0/24}]}]
    routers: [{name: edge, external: ext-net, networks: [front]}]
    servers:
      - {name: web, image: ubuntu-24.04, flavor: b2-7, networks: [{network: front}]}
""")

    flavors: Names = ()
    """Flavors."""
    images: Names = ()
    """Images."""
    networks: Names = ()
    """Networks."""
    volume_types: Names = ()
    """Volume types."""
    roles: Names = ()
    """Roles."""
    domains: Names = ()
    """Domains."""

    def names(self) -> dict[str, Names]:
        """The names by the key of their list."""
        return {key: getattr(self, key) for key in type(self).model_fields}
