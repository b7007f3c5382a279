"""Places inside a cloud's mount namespace beside those of `core.contract`, which the runtime knows too."""

from __future__ import annotations

from onestack.core.contract import RUN

DATABASE_SOCKET = f"{RUN}/mysqld/mysqld.sock"
NORTH_SOCKET = f"{RUN}/ovn/ovnnb_db.sock"
SOUTH_SOCKET = f"{RUN}/ovn/ovnsb_db.sock"
