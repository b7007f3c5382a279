"""Prints the digests of the installed upstream code: after a review of the changes they belong into `digests.py`.

python3 -m onestack_runtime.replacements          (inside, in the release's environment)

The projects cannot all be imported by one process: `runner NAME` prints those of one, as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings

from onestack_runtime.replacements import registry, source
from onestack_runtime.serving import threads


def prepare(runner: str) -> None:
    """What a project's runner does before anything of the project is imported."""
    warnings.simplefilter("ignore")
    if runner == "nova":
        from nova import monkey_patch

        monkey_patch.patch(backend="threading")
    elif runner == "cinder":
        os.environ["OS_CINDER_DISABLE_EVENTLET_PATCHING"] = "1"
        from cinder import monkey_patch

        monkey_patch.patch(backend="threading")
    elif runner == "neutron":
        import neutron  # noqa: F401
    else:
        threads.native()


def current(runner: str) -> dict[str, str]:
    """The digest of each target of a project's, and of all that the entries use, in this environment."""
    names = {name for each in registry.of(runner) for name in (*each.targets, *each.uses)}
    return {name: source.digest(source.value(name)) for name in sorted(names)}


def of_all() -> dict[str, str]:
    """The same of all projects, each in a process of its own."""
    found: dict[str, str] = {}
    for runner in sorted({name for each in registry.ALL for name in each.runners}):
        argv = [sys.executable, "-P", "-m", "onestack_runtime.replacements", "runner", runner]
        told = subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout
        found.update(json.loads(told))
    return dict(sorted(found.items()))


def text(digests: dict[str, str]) -> str:
    """As a Python module."""
    lines = "".join(f'    "{name}": "{value}",\n' for name, value in digests.items())
    return (
        '"""Digests of what upstream has, as it was when the replacements were written and tested.\n\n'
        "`python3 -m onestack_runtime.replacements`, in the release's environment, prints this file as it is now.\n"
        '"""\n\nfrom __future__ import annotations\n\n'
        f"DIGESTS: dict[str, str] = {{\n{lines}}}\n"
    )


def main() -> None:
    if sys.argv[1:2] == ["runner"]:
        prepare(sys.argv[2])
        sys.stdout.write(json.dumps(current(sys.argv[2])))
    else:
        sys.stdout.write(text(of_all()))


if __name__ == "__main__":
    main()
