"""The schema and the reference say what the models do."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from onestack import spec
from onestack.core import data
from onestack.spec import services

REFERENCE = Path(__file__).parents[2] / "docs/reference/spec.md"
RENEW = "python -c 'import onestack.spec as s, sys; sys.stdout.write(s.reference())' > docs/reference/spec.md"
EXAMPLES = re.findall(r"```yaml\n(.*?)```", spec.reference(), re.S)


def test_the_reference_in_the_docs_is_the_models() -> None:
    assert REFERENCE.read_text() == spec.reference(), f"renew it: {RENEW}"


def test_every_key_has_a_description() -> None:
    rows = [line for line in spec.reference().splitlines() if line.startswith("| `")]
    assert len(rows) > 25
    assert [row for row in rows if not re.search(r"\| [^|]*[A-Za-z]\w+.* \|$", row)] == []


def test_every_section_has_an_example() -> None:
    assert len(EXAMPLES) == spec.reference().count("\n## ")


@pytest.mark.parametrize("text", EXAMPLES)
def test_every_example_is_right(text: str) -> None:
    assert spec.loads(text).platform.services


def test_links_lead_to_headings() -> None:
    text = spec.reference()
    anchors = {re.sub(r"[^a-z0-9_-]", "", title.lower()) for title in re.findall(r"^## (.*)$", text, re.M)}
    assert set(re.findall(r"\(#([^)]+)\)", text)) <= anchors


def test_the_schema_is_json_and_refuses_unknown_keys() -> None:
    schema = spec.schema()
    assert json.loads(json.dumps(schema)) == schema
    sections = [schema, *schema["$defs"].values()]
    assert all(one["additionalProperties"] is False for one in sections)
    assert schema["properties"]["platform"]["$ref"] == "#/$defs/Platform"


def test_every_key_of_the_schema_says_what_it_is() -> None:
    for section in spec.schema()["$defs"].values():
        for key, value in section["properties"].items():
            assert value.get("description") or "$ref" in value, key


def test_services_and_projects_can_be_chosen_by_either_name() -> None:
    choices = spec.schema()["$defs"]["Platform"]["properties"]["services"]["items"]["enum"]
    assert set(choices) == {*services.types(), *services.projects()}


def test_releases_are_those_in_the_repository() -> None:
    assert "2026.2" in data.releases()
    assert (data.release("2026.2") / "requirements.txt").is_file()
    with pytest.raises(KeyError):
        data.release("1999.1")
    with pytest.raises(FileNotFoundError):
        data.folder("no-such-folder")
