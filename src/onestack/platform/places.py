"""Places inside a cloud's mount namespace (see onestack.core.paths for where they lie on the host)."""

from __future__ import annotations

ETC = "/etc/onestack"
LIB = "/var/lib"
RUN = "/run"
ENVIRONMENT = "/usr/lib/onestack"
"""OpenStack's packages."""
RUNTIME = "/usr/lib/onestack-runtime"
"""Ours, which run inside OpenStack's processes."""

DATABASE_SOCKET = f"{RUN}/mysqld/mysqld.sock"
SWITCH_SOCKET = f"{RUN}/openvswitch/db.sock"
NORTH_SOCKET = f"{RUN}/ovn/ovnnb_db.sock"
SOUTH_SOCKET = f"{RUN}/ovn/ovnsb_db.sock"
API_SOCKETS = f"{RUN}/api"
