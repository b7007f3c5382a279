"""Every kind of resource a spec may hold, one small module each, through openstacksdk."""

from __future__ import annotations

from collections.abc import Mapping

from onestack.workloads.kind.base import Kind
from onestack.workloads.resources.address_group import AddressGroups
from onestack.workloads.resources.aggregate import Aggregates
from onestack.workloads.resources.application_credential import ApplicationCredentials
from onestack.workloads.resources.assignment import GroupRoles, UserRoles
from onestack.workloads.resources.attachment import Attachments
from onestack.workloads.resources.balancing import PARTS
from onestack.workloads.resources.domain import Domains
from onestack.workloads.resources.flavor import Flavors
from onestack.workloads.resources.floating_ip import FloatingIPs
from onestack.workloads.resources.group import Groups
from onestack.workloads.resources.image import Images
from onestack.workloads.resources.interface import Interfaces
from onestack.workloads.resources.keypair import Keypairs
from onestack.workloads.resources.load_balancer import LoadBalancers
from onestack.workloads.resources.membership import Memberships
from onestack.workloads.resources.network import Networks
from onestack.workloads.resources.port import Ports
from onestack.workloads.resources.qos_policy import QosPolicies
from onestack.workloads.resources.quota import Quotas
from onestack.workloads.resources.role import Roles
from onestack.workloads.resources.router import Routers
from onestack.workloads.resources.scaling_group import ScalingGroups
from onestack.workloads.resources.security_group import SecurityGroups
from onestack.workloads.resources.security_group_rule import SecurityGroupRules
from onestack.workloads.resources.server import Servers
from onestack.workloads.resources.server_group import ServerGroups
from onestack.workloads.resources.sharing import FlavorAccess, ImageMembers, SharedNetworks
from onestack.workloads.resources.subnet import Subnets
from onestack.workloads.resources.tenant import Tenants
from onestack.workloads.resources.user import Users
from onestack.workloads.resources.volume import Backups, Snapshots, Volumes
from onestack.workloads.resources.volume_type import VolumeTypes

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
