"""An exported spec as text: repeated items folded into one with `count`, comments, short items in one line."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import LiteralScalarString

from onestack.workloads.kind.existing import Existing, Item

COUNTED = ("networks", "ports", "servers", "server_groups", "volumes")
"""The lists of a tenant whose items may have `count`; a test compares them with the models."""
SHORT = 84
"""Characters of an item that is written in one line."""
_MARK = "__comment__"
_NUMBERED = re.compile(r"(.+)-([1-9]\d*)")


def write(data: dict[str, Any], there: Existing, head: Sequence[str]) -> str:
    """The file. `head`: comments at its top."""
    escaped, used = _escaped(data)
    comments: list[list[str]] = []
    folded = {
        key: [_with_folded(tenant) for tenant in value] if key == "tenants" else value
        for key, value in escaped.items()
    }
    if used:
        tenants = folded.pop("tenants", None)
        # The only way to write `${` itself.
        folded["variables"] = {"dollar": "$"}
        folded |= {"tenants": tenants} if tenants else {}
    yaml = YAML()
    yaml.width = 118
    yaml.brace_single_entry_mapping_in_flow_sequence = True
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(_styled(folded, there, comments, root=True), out)
    return "".join(f"# {line}\n" for line in head) + _commented(out.getvalue(), comments)


def _escaped(value: Any) -> tuple[Any, bool]:
    """The value with `${` written so that it is no variable, and whether there was one."""
    if isinstance(value, str):
        return value.replace("${", "${dollar}{"), "${" in value
    if isinstance(value, dict):
        items = {key: _escaped(item) for key, item in value.items()}
        changed: dict[str, Any] = {key: item for key, (item, _) in items.items()}
        if isinstance(value, Item):
            changed = Item(value.address, changed)
        return changed, any(used for _, used in items.values())
    if isinstance(value, (list, tuple)):
        listed = [_escaped(item) for item in value]
        return [item for item, _ in listed], any(used for _, used in listed)
    return value, False


def _with_folded(tenant: Item) -> Item:
    return Item(
        tenant.address,
        {key: list(_folded(value)) if key in COUNTED else value for key, value in tenant.items()},
    )


def _folded(items: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Items called NAME-1 to NAME-n that are equal but for that number, as one with `count: n`."""
    by_prefix: dict[str, dict[int, dict[str, Any]]] = {}
    for item in items:
        if match := _NUMBERED.fullmatch(item["name"]):
            by_prefix.setdefault(match[1], {})[int(match[2])] = item
    whole: dict[str, dict[str, Any]] = {}
    for prefix, numbered in by_prefix.items():
        if len(numbered) > 1 and sorted(numbered) == list(range(1, len(numbered) + 1)):
            same = _common(numbered)
            if same is not None:
                whole[prefix] = {"name": prefix, "count": len(numbered), **same}
    done = set()
    for item in items:
        match = _NUMBERED.fullmatch(item["name"])
        if match is None or match[1] not in whole:
            yield item
        elif match[1] not in done:
            done.add(match[1])
            yield Item(item.address, whole[match[1]]) if isinstance(item, Item) else whole[match[1]]


def _common(numbered: dict[int, dict[str, Any]]) -> dict[str, Any] | None:
    """What numbered items have besides their names, if that is the same for all: as it is, or with their number in
    it."""
    rests = {
        number: {key: value for key, value in item.items() if key != "name"}
        for number, item in numbered.items()
    }
    first = rests[1]
    if all(rest == first for rest in rests.values()):
        return first
    with_index = {number: _indexed(rest, number) for number, rest in rests.items()}
    if all(rest == with_index[1] for rest in with_index.values()):
        found: dict[str, Any] = with_index[1]
        return found
    return None


def _indexed(value: Any, number: int) -> Any:
    if isinstance(value, str):
        return f"{value.removesuffix(str(number))}${{index}}" if value.endswith(f"-{number}") else value
    if isinstance(value, dict):
        return {key: _indexed(item, number) for key, item in value.items()}
    return [_indexed(item, number) for item in value] if isinstance(value, list) else value


def _styled(value: Any, there: Existing, comments: list[list[str]], *, root: bool = False) -> Any:
    """The value as ruamel.yaml writes it."""
    if isinstance(value, str):
        return LiteralScalarString(value) if "\n" in value else value
    if isinstance(value, (list, tuple)):
        listed = CommentedSeq(_styled(item, there, comments) for item in value)
        if all(not isinstance(item, (dict, list, tuple)) for item in value) and "\n" not in str(value):
            listed.fa.set_flow_style()
        return listed
    if not isinstance(value, dict):
        return value
    said = there.comments.get(value.address, []) if isinstance(value, Item) else []
    mapping = CommentedMap()
    if said:
        mapping[_MARK] = len(comments)
        comments.append(said)
    for key, item in value.items():
        mapping[key] = _styled(item, there, comments)
    text = json.dumps(mapping)
    if not root and not said and len(text) <= SHORT and _MARK not in text and "\\n" not in text:
        mapping.fa.set_flow_style()
    return mapping


def _commented(text: str, comments: list[list[str]]) -> str:
    """The text with comments in place of their marks."""

    def lines(match: re.Match[str]) -> str:
        said = "".join(f"{match[1]}# {' '.join(line.split())}\n" for line in comments[int(match[2])])
        return f"{said}{match[1]}- {match[3]}"

    return re.sub(rf"^( *)- {_MARK}: (\d+)\n\1  (\S)", lines, text, flags=re.M)
