"""Finds upstream's attributes by name, and makes digests of their source.

A digest covers the syntax tree without comments, docstrings and annotations, which do not change what code does.
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
    """For `package.module:Class.attribute`: the object that has the attribute, and the attribute's name.

    Raises ImportError, AttributeError.
    """
    module, _, path = name.partition(":")
    owner: Any = importlib.import_module(module)
    *outer, last = path.split(".")
    for each in outer:
        owner = getattr(owner, each)
    return owner, last


def value(name: str) -> Any:
    """The attribute's present value, without descriptor lookup (a classmethod object stays one); None if absent.

    Raises ImportError, AttributeError if the object that should have the attribute does not exist.
    """
    owner, attribute = place(name)
    # `__class__` is not among an object's own attributes.
    return type(owner) if attribute == "__class__" else inspect.getattr_static(owner, attribute, None)


def digest(attribute: Any) -> str:
    """A digest of a function's code, a class's name and bases, or a constant's value."""
    if attribute is None:
        return ABSENT
    if isinstance(attribute, property):
        attribute = attribute.fget
    attribute = inspect.unwrap(getattr(attribute, "__func__", attribute))
    if isinstance(attribute, ModuleType):
        text = f"module {attribute.__name__}"
    elif isinstance(attribute, type):
        bases = ", ".join(each.__qualname__ for each in attribute.__bases__)
        text = f"class {attribute.__qualname__}({bases})"
    elif inspect.isfunction(attribute):
        text = normalised(inspect.getsource(attribute))
    elif isinstance(attribute, int | float | str | bytes):
        text = repr(attribute)
    else:
        text = f"a {type(attribute).__qualname__}"
    return hashlib.sha256(text.encode()).hexdigest()[:SIZE]


def normalised(source: str) -> str:
    """A function's source without comments, docstrings and annotations, in uniform formatting."""
    return ast.unparse(_Stripped().visit(ast.parse(textwrap.dedent(source))))


class _Stripped(ast.NodeTransformer):
    """Removes docstrings and annotations; parsing has removed comments."""

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
