"""What a power cut does to a cloud: every process of it ends at once; after a reboot nothing is left but files."""

from __future__ import annotations

import os
import shutil
import signal

from cloud import health
from onestack import Cloud
from onestack.core.wait import until
from onestack.host import namespace, processes


def kill(cloud: Cloud) -> None:
    """Kill every process of the cloud, those first that would start others again."""
    watching = health.pids(cloud)
    outside = [watching[name] for name in ("supervisord", "keeper", "autoscaler") if name in watching]
    for pid in outside:
        os.kill(pid, signal.SIGKILL)

    def none_left() -> tuple[bool, str]:
        left = processes.inside(cloud.paths.run)
        for each in left:
            try:
                os.kill(each.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        return not left, str(left)

    until("every process to be gone", none_left, seconds=30)


def reboot(cloud: Cloud) -> None:
    """Kill everything; mounts, network namespaces and /run are gone.

    What a cloud without a network namespace of its own made of the machine's network is left to the caller.
    """
    kill(cloud)
    # With its last process and its handle a network namespace ends, and with it all its interfaces.
    namespace.remove(cloud.paths)
    shutil.rmtree(cloud.paths.run)
