"""What `keystone-manage bootstrap` does: the first domain, project, roles, administrator and region.

The administrator's password comes in OS_BOOTSTRAP_PASSWORD, so that it shows in no process list. Harmless
when all is there; a changed password is set.
"""

from __future__ import annotations

import os
import sys

from onestack_runtime import threads
from onestack_runtime.places import ETC


def main() -> int | str:
    os.environ.setdefault("OS_KEYSTONE_CONFIG_DIR", str(ETC / "keystone"))
    password = os.environ.get("OS_BOOTSTRAP_PASSWORD")
    if len(sys.argv) != 3 or not password:
        return "usage: OS_BOOTSTRAP_PASSWORD=... python3 -m onestack_runtime.bootstrap URL REGION"
    url, region = sys.argv[1:]
    del sys.argv[1:]
    threads.native()
    import keystone.server
    from keystone.cmd.bootstrap import Bootstrapper

    from onestack_runtime import key_rotation

    keystone.server.configure(config_files=[str(ETC / "keystone/keystone.conf")])
    key_rotation.ensure()
    bootstrapper = Bootstrapper()
    bootstrapper.admin_username = "admin"
    bootstrapper.admin_password = password
    bootstrapper.admin_role_name = "admin"
    bootstrapper.project_name = "admin"
    bootstrapper.service_name = "keystone"
    bootstrapper.public_url = bootstrapper.internal_url = bootstrapper.admin_url = url
    bootstrapper.region_id = region
    bootstrapper.immutable_roles = True
    bootstrapper.bootstrap()
    return 0


if __name__ == "__main__":
    sys.exit(main())
