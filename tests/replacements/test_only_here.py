"""Only the registry sets attributes of upstream's modules, classes and objects.

An object counts as upstream's if it was imported from another package than onestack_runtime, if it is an argument
without annotation or with a general one such as `Any`, or if it was read from such an object. A method's `self` and
`cls` do not count.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

RUNTIME = Path(__file__).parents[2] / "runtime/src/onestack_runtime"
REGISTRY = "replacements/registry.py"
ALLOWED = {
    # By file and function: why what it sets does not replace upstream's code.
    (
        "drivers/balancer/graph.py",
        "prune",
    ): "a load balancer's data, read from the database; only the copy in memory is changed",
    ("drivers/balancer/network.py", "release"): "the same",
    ("admin/bootstrap.py", "main"): "Keystone's Bootstrapper has its parameters as attributes",
    ("runners/cinder.py", "main"): "sys.argv",
    ("admin/cells.py", "update_template"): "an object of Nova that represents a row of its database",
    ("runners/nova_compute.py", "prepare"): "attributes that upstream's own nova-compute sets",
    ("admin/manage.py", "main"): "sys.argv",
    ("admin/migrate.py", "_command"): "sys.argv",
    ("drivers/rsync/channel.py", "tls"): "Python's SSLContext has its options as attributes",
    (
        "serving/audit.py",
        "hear_logins",
    ): "whether a logger propagates, which Python's logging has as an attribute",
    (
        "series/v2026_1.py",
        "cinder_threads",
    ): "Cinder of that series names eventlet's functions; before Cinder is imported they stand for native threads",
    (
        "series/v2026_1.py",
        "before_maintenance",
    ): "a method of one object, Neutron's connection to OVN, which in that series locks itself",
    ("serving/process.py", "run"): "sys.unraisablehook, which Python provides for this",
    (
        "replacements/octavia.py",
        "get_driver",
    ): "the name of a driver, which upstream's own function also sets",
    (
        "replacements/octavia.py",
        "get_neutron_client",
    ): "removes an unusable client, which upstream's own function has set",
}


class Finder(ast.NodeVisitor):
    """Finds functions that set attributes of upstream's objects."""

    def __init__(self) -> None:
        self.found: list[tuple[str, int, str]] = []
        self._upstream_names: list[set[str]] = [set()]
        self._function = ""

    def visit_Import(self, node: ast.Import) -> None:
        self._upstream_names[-1].update((each.asname or each.name).split(".")[0] for each in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if not (node.module or "").startswith("onestack_runtime"):
            self._upstream_names[-1].update(each.asname or each.name for each in node.names)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        upstream = {each.arg for each in arguments if _is_general(each.annotation)} - {"self", "cls"}
        upstream |= {each.arg for each in arguments if each.arg == "cls" and each.annotation is not None}
        previous, self._function = self._function, node.name
        self._upstream_names.append(upstream)
        self.generic_visit(node)
        self._upstream_names.pop()
        self._function = previous

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        for target in node.targets:
            self._assigned(target, node.value, node)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self._assigned(node.target, node.value, node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        if node.value is not None:
            self._assigned(node.target, node.value, node)

    def visit_For(self, node: ast.For) -> None:
        self._bind(node.target, node.iter)
        self.generic_visit(node)

    def visit_Delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self._attribute(target, node)

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name in ("setattr", "delattr") and node.args and self._is_upstream(node.args[0]):
            self.found.append((self._function, node.lineno, ast.unparse(node)))
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("__setattr__", "__delattr__"):
            self.found.append((self._function, node.lineno, ast.unparse(node)))
        self.generic_visit(node)

    def _assigned(self, target: ast.expr, value: ast.expr, node: ast.stmt) -> None:
        for each in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
            self._attribute(each, node)
        self._bind(target, value)

    def _attribute(self, target: ast.expr, node: ast.stmt) -> None:
        if isinstance(target, ast.Attribute) and self._is_upstream(target.value):
            self.found.append((self._function, node.lineno, ast.unparse(node)))

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if self._is_upstream(value):
            names = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
            self._upstream_names[-1].update(each.id for each in names if isinstance(each, ast.Name))

    def _is_upstream(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Tuple | ast.List):
            return any(map(self._is_upstream, node.elts))
        while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
            node = node.func if isinstance(node, ast.Call) else node.value
        return isinstance(node, ast.Name) and any(node.id in names for names in self._upstream_names)


def _is_general(annotation: ast.expr | None) -> bool:
    """Whether the annotation allows any object."""
    return annotation is None or ast.unparse(annotation) in ("Any", "object", "type", "ModuleType")


def violations(text: str) -> list[tuple[str, int, str]]:
    finder = Finder()
    finder.visit(ast.parse(text))
    return finder.found


def all_violations() -> Iterator[tuple[str, str, int, str]]:
    for file in sorted(RUNTIME.rglob("*.py")):
        name = str(file.relative_to(RUNTIME))
        if name != REGISTRY:
            for function, line, code in violations(file.read_text()):
                yield name, function, line, code


def test_only_the_registry_sets_upstream_attributes() -> None:
    found = [each for each in all_violations() if each[:2] not in ALLOWED]
    listed = "\n".join(f"{name}:{line} {function}: {code}" for name, function, line, code in found)
    assert not found, f"make each of these an entry of {REGISTRY}:\n{listed}"


def test_every_exception_is_still_needed() -> None:
    assert set(ALLOWED) <= {each[:2] for each in all_violations()}


@pytest.mark.parametrize(
    "code",
    [
        "import nova\ndef f():\n    nova.policy.init = 1\n",
        "from nova import objects\nobjects.Service.limit += 1\n",
        "def f(api: Any):\n    api.show = 1\n",
        "def f(api):\n    setattr(api, 'show', 1)\n",
        "def f():\n    from nova import objects\n    kind = objects.Instance\n    kind.save = 1\n",
        "from nova import a, b\nfor each in (a.X, b.X):\n    each.on = False\n",
        "from nova import a\na.get().list[0].interval: int = 3\n",
        "from nova import a\ndef f():\n    del a.b\n",
        "from nova import a\na.b, c = 1, 2\n",
        "def f(cls: Any) -> None:\n    object.__setattr__(cls, 'a', 1)\n",
    ],
)
def test_assignment_to_an_upstream_attribute_is_found(code: str) -> None:
    assert len(violations(code)) == 1


@pytest.mark.parametrize(
    "code",
    [
        "class A:\n    def f(self):\n        self.x = 1\n",
        "from onestack_runtime import a\na.x = 1\n",
        "def f(mine: Section):\n    mine.lines = []\n",
        "from nova import a\nx = a.b\n",
    ],
)
def test_other_assignments_are_accepted(code: str) -> None:
    assert violations(code) == []
