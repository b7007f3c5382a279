"""Writes another release into the text of a spec, and leaves all else as a person wrote it."""

from __future__ import annotations

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, Node

from onestack.core.errors import BadInput


def with_release(text: str, series: str) -> str:
    """The text of a spec with `platform.release` set to `series`. Raises BadInput where it is no mapping."""
    root = YAML(typ="safe", pure=True).compose(text)
    if not isinstance(root, MappingNode):
        raise BadInput("the spec is not a mapping", hint="write `version: 1` first")
    key, platform = _entry(root, "platform")
    if key is None or platform is None:
        return _inserted(text, root, f'"platform": {{"release": "{series}"}}')
    if not isinstance(platform, MappingNode):
        # `platform:` with nothing, or null.
        colon = text.index(":", key.end_mark.index) + 1
        after = text[platform.end_mark.index :] if platform.value else text[colon:]
        return f'{text[:colon]} {{"release": "{series}"}}{after}'
    _, release = _entry(platform, "release")
    if release is None:
        return _inserted(text, platform, f'"release": "{series}"')
    return f'{text[: release.start_mark.index]}"{series}"{text[release.end_mark.index :]}'


def _entry(mapping: MappingNode, key: str) -> tuple[Node | None, Node | None]:
    """The nodes of a key and its value."""
    return next(((name, value) for name, value in mapping.value if name.value == key), (None, None))


def _inserted(text: str, mapping: MappingNode, entry: str) -> str:
    """The text with one more entry as the first one of a mapping, in its own style."""
    if mapping.flow_style:
        at = mapping.start_mark.index + 1
        return f"{text[:at]}{entry}{', ' if mapping.value else ''}{text[at:]}"
    at = mapping.start_mark.index
    return f"{text[:at]}{entry}\n{' ' * mapping.start_mark.column}{text[at:]}"
