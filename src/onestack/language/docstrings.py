"""The docstrings of a class's attributes, which describe the keys of a section.

Read when a schema is made. Pydantic's own `use_attribute_docstrings` reads the source of every class while it is
being created: a quarter of the time in which the spec is imported.
"""

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache


@cache
def described(cls: type) -> dict[str, str]:
    """By the names of a class's attributes, also inherited ones: the text below each."""
    found: dict[str, str] = {}
    for each in reversed(cls.__mro__):
        found |= _own(each)
    return found


def _own(cls: type) -> dict[str, str]:
    try:
        source = inspect.getsource(cls)
    except (OSError, TypeError):
        # Made by a function, or by none: what it inherits is described there.
        return {}
    (made,) = ast.parse(textwrap.dedent(source)).body
    assert isinstance(made, ast.ClassDef)
    found = {}
    for attribute, text in zip(made.body, made.body[1:], strict=False):
        if (
            isinstance(attribute, ast.AnnAssign)
            and isinstance(attribute.target, ast.Name)
            and isinstance(text, ast.Expr)
            and isinstance(text.value, ast.Constant)
            and isinstance(text.value.value, str)
        ):
            found[attribute.target.id] = inspect.cleandoc(text.value.value)
    return found
