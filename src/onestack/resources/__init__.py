"""Every kind of resource a spec may hold, one small module each, through openstacksdk."""

from __future__ import annotations

from collections.abc import Mapping

from onestack.resources.address_group import AddressGroups
from onestack.resources.aggregate import Aggregates
from onestack.resources.application_credential import ApplicationCredentials
from onestack.resources.assignment import GroupRoles, UserRoles
from onestack.resources.attachment import Attachments
from onestack.resources.balancing import PARTS
from onestack.resources.domain import Domains
from onestack.resources.flavor import Flavors
from onestack.resources.floating_ip import FloatingIPs
from onestack.resources.group import Groups
from onestack.resources.image import Images
from onestack.resources.interface import Interfaces
from onestack.resources.keypair import Keypairs
from onestack.resources.kind import Kind
from onestack.resources.load_balancer import LoadBalancers
from onestack.resources.membership import Memberships
from onestack.resources.network import Networks
from onestack.resources.port import Ports
from onestack.resources.qos_policy import QosPolicies
from onestack.resources.quota import Quotas
from onestack.resources.role import Roles
from onestack.resources.router import Routers
from onestack.resources.scaling_group import ScalingGroups
from onestack.resources.security_group import SecurityGroups
from onestack.resources.security_group_rule import SecurityGroupRules
from onestack.resources.server import Servers
from onestack.resources.server_group import ServerGroups
from onestack.resources.sharing import FlavorAccess, ImageMembers, SharedNetworks
from onestack.resources.subnet import Subnets
from onestack.resources.tenant import Tenants
from onestack.resources.user import Users
from onestack.resources.volume import Backups, Snapshots, Volumes
from onestack.resources.volume_type import VolumeTypes

# Each after those whose names its fields hold.
KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Domains(),
        Roles(),
        Tenants(),
        Users(),
        Groups(),
        Memberships(),
        UserRoles(),
        GroupRoles(),
        Quotas(),
        ApplicationCredentials(),
        Networks(),
        SharedNetworks(),
        Subnets(),
        Routers(),
        Interfaces(),
        AddressGroups(),
        QosPolicies(),
        SecurityGroups(),
        SecurityGroupRules(),
        Ports(),
        FloatingIPs(),
        Flavors(),
        FlavorAccess(),
        Aggregates(),
        Keypairs(),
        Images(),
        ImageMembers(),
        ServerGroups(),
        VolumeTypes(),
        Volumes(),
        Snapshots(),
        Backups(),
        Servers(),
        Attachments(),
        LoadBalancers(),
        *PARTS,
        ScalingGroups(),
    )
}

__all__ = ["KINDS", "Kind"]
