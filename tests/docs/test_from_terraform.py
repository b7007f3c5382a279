"""The page for Terraform's users names keys that a spec has, and each list of a tenant's."""

from __future__ import annotations

import re
from pathlib import Path

from onestack.spec import json_schema
from onestack.spec.compose import whole
from onestack.workloads.kind.discovery import kinds

PAGE = Path(__file__).resolve().parents[2] / "docs/from-terraform.md"
ROW = re.compile(r"^\| `openstack_.*\|(?P<keys>[^|]*)\|$", re.MULTILINE)
PATH = re.compile(r"`([a-z0-9_.]+)`")


def exists(path: str) -> bool:
    """Whether a spec has the key; lists are passed through."""
    schema = json_schema.of(whole())
    here = schema.follow(schema.whole)
    for key in path.split("."):
        while "properties" not in here and "items" in here:
            here = schema.follow(here["items"])
        if key not in here.get("properties", {}):
            return False
        here = schema.follow(here["properties"][key])
    return True


def test_each_row_names_keys_of_the_spec() -> None:
    rows = [each["keys"] for each in ROW.finditer(PAGE.read_text())]
    assert len(rows) > 40
    for row in rows:
        named = PATH.findall(row)
        assert named, row
        assert [path for path in named if not exists(path)] == []
    assert not exists("tenants.trunks")


def test_every_kind_that_tenants_list_is_on_the_page() -> None:
    said = {path for path in PATH.findall(PAGE.read_text()) if "." in path}
    missing = {kind.key for kind in kinds().values() if kind.in_tenant and f"tenants.{kind.key}" not in said}
    assert missing == set()
