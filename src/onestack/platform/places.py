"""Paths inside a cloud's mount namespace that the runtime does not need to know (the others are in
`core.contract`)."""

from __future__ import annotations

from onestack.core.contract import RUN

DATABASE_SOCKET = f"{RUN}/mysqld/mysqld.sock"
NORTH_SOCKET = f"{RUN}/ovn/ovnnb_db.sock"
SOUTH_SOCKET = f"{RUN}/ovn/ovnsb_db.sock"
