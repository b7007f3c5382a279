"""Every replacement is compared with the upstream function that it replaces, in the release's own environment.

The tests themselves are in `inside/`: pytest runs them in the base, one process for each file. They need the base and
the packages that `up` fetches, and no cloud.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from onestack.core import data
from onestack.core.events import Event
from onestack.core.paths import Paths
from onestack.host import base, environment
from onestack.host.guest.inside import SHARED, inside
from onestack.platform.services import _policies, compute
from onestack_runtime.replacements import registry

INSIDE = Path(__file__).with_name("inside")
FILES = sorted(INSIDE.glob("contract_*.py"))
PYTEST = ("pytest", "_pytest", "py", "pluggy", "iniconfig", "packaging", "pygments")
"""pytest and what it depends on: pure Python, so they also run with the base's interpreter."""
ENVIRONMENT, RUNTIME, TOOLS = "/usr/lib/onestack", "/usr/lib/onestack-runtime", "/srv"
SECONDS = 600
SETTINGS = {
    "policies": {project: dict(rules) for project, rules in _policies.ALL.items()},
    "filters": list(compute.FILTERS),
}
"""What the tool configures in OpenStack, for the tests that compare it with upstream's code."""


def covered_entries(file: Path) -> Iterator[str]:
    """The registry entries that a file's tests cover."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.mark.replaces":
            (name,) = node.args
            assert isinstance(name, ast.Constant)
            yield str(name.value)


def digest_entries(file: Path) -> set[str]:
    """The registry entries whose digests a file checks: its ENTRIES."""
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "ENTRIES":
            return set(ast.literal_eval(node.value))
    return set()


def test_every_replacement_has_a_contract() -> None:
    names = {each.name for each in registry.ALL}
    tested = {name for file in FILES for name in covered_entries(file)}
    assert tested == names
    assert set().union(*map(digest_entries, FILES)) == names


NEWEST = data.releases()[-1]
SERIES = [
    pytest.param(each, marks=() if each == NEWEST else pytest.mark.long, id=each) for each in data.releases()
]


@pytest.fixture(scope="module", params=SERIES)
def folders(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Path, Path]:
    """The base, a release's environment, and a folder with pytest. The older releases' are long tests."""
    series = request.param
    release, store = data.release(series), Paths.at().release(series)
    native = data.native(series)
    for each in (store, Paths.at().release(native.name)):
        each.mkdir(parents=True, exist_ok=True)
    events: list[Event] = []
    tools = tmp_path_factory.mktemp("tools")
    for name in PYTEST:
        spec = importlib.util.find_spec(name)
        assert spec is not None and spec.origin is not None
        origin = Path(spec.origin)
        if origin.name == "__init__.py":
            shutil.copytree(origin.parent, tools / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(origin, tools)
    return (
        base.ensure(native, Paths.at().release(native.name), events.append),
        environment.ensure(release / "requirements.txt", store, "openstack", events.append),
        tools,
    )


@pytest.mark.cloud
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem.removeprefix("contract_"))
def test_what_is_replaced_is_done_as_upstream_does_it(file: Path, folders: tuple[Path, Path, Path]) -> None:
    root, packages, tools = folders
    program = [
        *("python3", "-P", "-m", "pytest", "-q", "--no-header", "--tb=short", "-W", "ignore"),
        *("-p", "no:cacheprovider", "-c", "/dev/null", f"--rootdir={SHARED}"),
        *("-o", "python_files=contract_*.py", f"{SHARED}/{file.name}"),
    ]
    binds = {ENVIRONMENT: packages, RUNTIME: data.folder("runtime") / "src", TOOLS: tools}
    done = subprocess.run(
        inside(root, INSIDE, program, binds),
        env={
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/tmp",
            "LC_ALL": "C.UTF-8",
            # The base's own /etc/localtime is empty; a cloud mounts the host's there.
            "TZ": "UTC",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONPATH": f"{ENVIRONMENT}:{RUNTIME}:{TOOLS}",
            "ONESTACK_TEST_SETTINGS": json.dumps(SETTINGS),
        },
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout[-12000:]}\n{done.stderr[-2000:]}"
    assert " passed" in done.stdout
