"""Keystone: its API, and a thread that rotates its Fernet keys."""

from __future__ import annotations

import logging
import os

from onestack_runtime import contract
from onestack_runtime.admin import key_rotation
from onestack_runtime.paths import ETC
from onestack_runtime.replacements import registry
from onestack_runtime.serving import audit, threads
from onestack_runtime.serving.process import Process

LOG = logging.getLogger(__name__)
THREADS = 8


def main() -> None:
    threads.native()
    registry.install("keystone")
    os.environ.setdefault("OS_KEYSTONE_CONFIG_DIR", str(ETC / "keystone"))
    from keystone.common.rbac_enforcer.enforcer import RBACEnforcer
    from keystone.server.wsgi import initialize_public_application

    key_rotation.ensure()
    application = initialize_public_application()
    # Otherwise the first request would load the policy rules, and a concurrent one would see half of them (HTTP 403).
    assert RBACEnforcer()._enforcer.registered_rules
    audit.hear_logins()
    process = Process("keystone")
    process.serve(application, contract.socket("keystone"), contract.API_PATHS["keystone"], THREADS)
    process.thread("key rotation", key_rotation.Rotation(process).run)
    process.run()


if __name__ == "__main__":
    main()
