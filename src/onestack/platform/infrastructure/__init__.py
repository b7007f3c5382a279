"""The infrastructure services, one module each, in the order in which they are named to people."""

from onestack.platform.infrastructure import gateway, libvirt, mariadb, ovn, prometheus

INFRASTRUCTURE = (mariadb.SERVICE, ovn.SERVICE, libvirt.SERVICE, gateway.SERVICE, prometheus.SERVICE)
