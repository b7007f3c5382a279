"""Checks all balancers, in a process other than Octavia's, and repairs them (`onestack balancers check`).

    python3 -m onestack_runtime.drivers.balancer.check [--repair]

Writes one JSON object: {"balancers": number, "found": [finding], "left": [finding]}.
"""

from __future__ import annotations

import dataclasses
import json
import sys

from onestack_runtime.paths import configuration
from onestack_runtime.serving import threads


def main() -> int:
    threads.native()
    from octavia.common import service

    service.prepare_service(
        ["octavia-check", *(f"--config-file={file}" for file in configuration("octavia"))]
    )
    from onestack_runtime.drivers.balancer import audit

    number, found = audit.examine()
    left = found
    if found and "--repair" in sys.argv:
        audit.repair(found)
        _, left = audit.examine()
    report = {
        "balancers": number,
        "found": [dataclasses.asdict(each) for each in found],
        "left": [dataclasses.asdict(each) for each in left],
    }
    sys.stdout.write(json.dumps(report) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
