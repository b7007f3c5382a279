"""Prints the digests of the installed upstream code, as a new `digests.py`. Review what changed before using it.

python3 -m onestack_runtime.replacements          (in the release's environment)

One process cannot import all projects: `runner NAME` prints the digests of one, as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import warnings

from onestack_runtime import series
from onestack_runtime.replacements import registry, source
from onestack_runtime.serving import threads


def prepare(runner: str) -> None:
    """Do what a project's runner does before it imports the project."""
    warnings.simplefilter("ignore")
    if runner == "nova":
        from nova import monkey_patch

        monkey_patch.patch(backend="threading")
    elif runner == "cinder":
        os.environ["OS_CINDER_DISABLE_EVENTLET_PATCHING"] = "1"
        series.here().cinder_threads()
    elif runner == "neutron":
        import neutron  # noqa: F401
    else:
        threads.native()


def current(runner: str) -> dict[str, str]:
    """The digests, in this environment, of everything that a project's entries replace or use."""
    names = {name for each in registry.of(runner) for name in (*each.targets, *each.uses)}
    return {name: source.digest(source.value(name)) for name in sorted(names)}


def of_all() -> dict[str, str]:
    """The digests of all projects, each read in a process of its own."""
    digests: dict[str, str] = {}
    for runner in sorted({name for each in registry.ALL for name in each.runners}):
        argv = [sys.executable, "-P", "-m", "onestack_runtime.replacements", "runner", runner]
        output = subprocess.run(argv, stdout=subprocess.PIPE, check=True).stdout
        digests.update(json.loads(output))
    return dict(sorted(digests.items()))


def text(digests: dict[str, str]) -> str:
    """The text of `digests.py`."""
    lines = "".join(f'    "{name}": "{value}",\n' for name, value in digests.items())
    return (
        '"""Digests of the upstream code that the replacements were written and tested against.\n\n'
        "Generated: `python3 -m onestack_runtime.replacements`, in the release's environment, prints a new version.\n"
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
