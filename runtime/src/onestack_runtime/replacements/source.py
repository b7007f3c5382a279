"""Names of upstream's attributes, and digests of their source.

A digest is one of the syntax tree, without what changes nothing: comments, docstrings, annotations.
"""

from __future__ import annotations

import ast
import hashlib
import importlib
import inspect
import textwrap
from types import ModuleType
from typing import Any

ABSENT = "absent"
"""The digest of what upstream does not have."""
SIZE = 12


def place(name: str) -> tuple[Any, str]:
    """Of `package.module:Class.attribute`: the object that has the attribute, and the attribute's name.

    Raises ImportError, AttributeError.
    """
    module, _, path = name.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, last = path.split(".")
    for each in outer:
        owner = getattr(owner, each)
    return owner, last


def value(name: str) -> Any:
    """What is there now, as it is written down (a classmethod is one); None where nothing is.

    Raises ImportError, AttributeError for what should have it.
    """
    owner, attribute = place(name)
    # A class is the attribute of its instances that has no definition of its own.
    return type(owner) if attribute == "__class__" else inspect.getattr_static(owner, attribute, None)


def digest(found: Any) -> str:
    """What changes when a function's code does, a class's bases, or a constant's value."""
    if found is None:
        return ABSENT
    if isinstance(found, property):
        found = found.fget
    found = inspect.unwrap(getattr(found, "__func__", found))
    if isinstance(found, ModuleType):
        told = f"module {found.__name__}"
    elif isinstance(found, type):
        bases = ", ".join(each.__qualname__ for each in found.__bases__)
        told = f"class {found.__qualname__}({bases})"
    elif inspect.isfunction(found):
        told = normalised(inspect.getsource(found))
    elif isinstance(found, int | float | str | bytes):
        told = repr(found)
    else:
        told = f"a {type(found).__qualname__}"
    return hashlib.sha256(told.encode()).hexdigest()[:SIZE]


def normalised(source: str) -> str:
    """The source of a function without comments, docstrings and annotations, in one way of writing."""
    return ast.unparse(_Bare().visit(ast.parse(textwrap.dedent(source))))


class _Bare(ast.NodeTransformer):
    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        first = node.body[0]
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and len(node.body) > 1:
            del node.body[0]
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        return ast.copy_location(ast.Assign(targets=[node.target], value=self.visit(node.value)), node)
