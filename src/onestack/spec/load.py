"""Loads a file as a spec, or reports all errors in it together."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationError

from onestack.core.errors import BadInput, Place
from onestack.language import source
from onestack.language.diagnostics import BadSpec, Diagnostic
from onestack.spec import json_schema
from onestack.spec.compose import whole
from onestack.spec.expand import expand
from onestack.spec.explain import explain
from onestack.spec.model import Spec


def load(path: str | Path) -> Spec:
    """Read a spec. Raises BadInput if the file cannot be read, BadSpec with all errors if it is wrong."""
    name = str(path)
    try:
        raw = Path(path).read_bytes()
    except OSError as error:
        hint = "" if Path(path).exists() else "name an existing file, or none for the default cloud"
        raise BadInput(f"the spec cannot be read: {error.strerror}", where=name, hint=hint) from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, column = before.count(b"\n") + 1, len(before.rpartition(b"\n")[2].decode(errors="replace")) + 1
        found = Diagnostic("error", "not text in UTF-8", "", Place(name, line, column), "save it as UTF-8")
        raise _bad_spec(name, [found]) from error
    return loads(text, name)


def loads(text: str, name: str = "(text)", model: type[Spec] | None = None) -> Spec:
    """As `load`, from text that messages call `name`. `model`: the spec's model, by default OneStack's own."""
    model = model or whole()
    written = source.read(text, name)
    read = expand(written)
    found = list(read.diagnostics)
    if len(found) > len(written.diagnostics):
        # If variables or templates are wrong, the rest cannot be validated.
        raise _bad_spec(name, found)
    if read.data is not None or not found:
        try:
            spec = model.model_validate(read.data)
        except ValidationError as error:
            reported = {one.place for one in found}
            new = explain(error, read, json_schema.of(model))
            # An error in a template or a repeated item is reported once, however often it is used.
            found += dict.fromkeys(one for one in new if one.place not in reported)
    if found:
        raise _bad_spec(name, found)
    spec._source = read
    return spec


def default() -> Spec:
    """The spec of the cloud that `up` brings up without a spec."""
    return whole()()


def _bad_spec(name: str, found: list[Diagnostic]) -> BadSpec:
    ordered = sorted(
        found, key=lambda one: (one.place.line or 0, one.place.column or 0) if one.place else (0, 0)
    )
    many = f"{len(ordered)} errors" if len(ordered) > 1 else "an error"
    return BadSpec(f"{name} has {many}", ordered)
