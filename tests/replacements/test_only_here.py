"""Nothing but the registry sets an attribute of upstream's.

An attribute counts as upstream's where what it is of came from outside: an import that is not of ours, an argument
without a type of ours, or anything read from these. A method's own `self` and `cls` are ours.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

RUNTIME = Path(__file__).parents[2] / "runtime/src/onestack_runtime"
REGISTRY = "replacements/registry.py"
ALLOWED = {
    # A file and a function: why what it sets is not an exchange.
    ("drivers/balancer/graph.py", "prune"): "a balancer's data as read from the database, in memory",
    ("drivers/balancer/network.py", "release"): "the same",
    ("admin/bootstrap.py", "main"): "Keystone's Bootstrapper is told what to make by its attributes",
    ("runners/cinder.py", "main"): "sys.argv",
    ("admin/cells.py", "update_template"): "a row of Nova's database, as its object",
    ("runners/nova_compute.py", "prepare"): "the switches that upstream's own nova-compute sets",
    ("admin/manage.py", "main"): "sys.argv",
    ("admin/migrate.py", "_command"): "sys.argv",
    ("drivers/rsync/channel.py", "tls"): "the options of Python's SSLContext, which are attributes",
    ("serving/process.py", "run"): "sys.unraisablehook, Python's own hook",
    (
        "replacements/octavia.py",
        "get_driver",
    ): "the name of a driver, which upstream's own function sets as well",
    (
        "replacements/octavia.py",
        "get_neutron_client",
    ): "the client that upstream's own function sets, and that is of no use, is dropped",
}


class Finder(ast.NodeVisitor):
    """Which functions set attributes of what came from outside."""

    def __init__(self) -> None:
        self.found: list[tuple[str, int, str]] = []
        self._outside: list[set[str]] = [set()]
        self._function = ""

    def visit_Import(self, node: ast.Import) -> None:
        self._outside[-1].update((each.asname or each.name).split(".")[0] for each in node.names)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        if not (node.module or "").startswith("onestack_runtime"):
            self._outside[-1].update(each.asname or each.name for each in node.names)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        given = {each.arg for each in arguments if _is_open(each.annotation)} - {"self", "cls"}
        given |= {each.arg for each in arguments if each.arg == "cls" and each.annotation is not None}
        before, self._function = self._function, node.name
        self._outside.append(given)
        self.generic_visit(node)
        self._outside.pop()
        self._function = before

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
        if name in ("setattr", "delattr") and node.args and self._is_outside(node.args[0]):
            self.found.append((self._function, node.lineno, ast.unparse(node)))
        if isinstance(node.func, ast.Attribute) and node.func.attr in ("__setattr__", "__delattr__"):
            self.found.append((self._function, node.lineno, ast.unparse(node)))
        self.generic_visit(node)

    def _assigned(self, target: ast.expr, value: ast.expr, node: ast.stmt) -> None:
        for each in target.elts if isinstance(target, ast.Tuple | ast.List) else [target]:
            self._attribute(each, node)
        self._bind(target, value)

    def _attribute(self, target: ast.expr, node: ast.stmt) -> None:
        if isinstance(target, ast.Attribute) and self._is_outside(target.value):
            self.found.append((self._function, node.lineno, ast.unparse(node)))

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if self._is_outside(value):
            names = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
            self._outside[-1].update(each.id for each in names if isinstance(each, ast.Name))

    def _is_outside(self, node: ast.expr) -> bool:
        if isinstance(node, ast.Tuple | ast.List):
            return any(map(self._is_outside, node.elts))
        while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
            node = node.func if isinstance(node, ast.Call) else node.value
        return isinstance(node, ast.Name) and any(node.id in names for names in self._outside)


def _is_open(annotation: ast.expr | None) -> bool:
    """Whether an argument may be anything."""
    return annotation is None or ast.unparse(annotation) in ("Any", "object", "type", "ModuleType")


def offences(text: str) -> list[tuple[str, int, str]]:
    finder = Finder()
    finder.visit(ast.parse(text))
    return finder.found


def places() -> Iterator[tuple[str, str, int, str]]:
    for file in sorted(RUNTIME.rglob("*.py")):
        name = str(file.relative_to(RUNTIME))
        if name != REGISTRY:
            for function, line, code in offences(file.read_text()):
                yield name, function, line, code


def test_no_attribute_of_upstreams_is_set_outside_the_registry() -> None:
    found = [each for each in places() if each[:2] not in ALLOWED]
    told = "\n".join(f"{name}:{line} {function}: {code}" for name, function, line, code in found)
    assert not found, f"make it an entry of {REGISTRY}:\n{told}"


def test_what_is_allowed_is_there() -> None:
    assert set(ALLOWED) <= {each[:2] for each in places()}


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
def test_it_is_found(code: str) -> None:
    assert len(offences(code)) == 1


@pytest.mark.parametrize(
    "code",
    [
        "class A:\n    def f(self):\n        self.x = 1\n",
        "from onestack_runtime import a\na.x = 1\n",
        "def f(mine: Section):\n    mine.lines = []\n",
        "from nova import a\nx = a.b\n",
    ],
)
def test_ours_may_be_set(code: str) -> None:
    assert offences(code) == []
