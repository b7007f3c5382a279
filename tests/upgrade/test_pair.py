"""What is known of each pair of series: it is data of the newer one's folder."""

from __future__ import annotations

import re
from itertools import pairwise

import pytest

from onestack.core import data
from onestack.core.errors import BadInput
from onestack.health.upgrade import pair
from onestack.health.upgrade.pair import Pair, SetBack, Stop
from onestack.platform.services import CATALOGUE

PAIRS = list(pairwise(data.releases()))


@pytest.mark.parametrize("older, newer", PAIRS)
def test_every_series_is_reached_from_the_one_before(older: str, newer: str) -> None:
    found = pair.of(older, newer)
    assert (found.older, found.newer) == (older, newer)
    assert {each.service for each in found.back} <= {*CATALOGUE}


@pytest.mark.parametrize("older, newer", PAIRS)
def test_it_names_the_databases_of_its_services_and_no_others(older: str, newer: str) -> None:
    found = pair.of(older, newer)
    known = {each.name for service in CATALOGUE.values() for each in service.databases}
    texts = [each.sql for each in found.back] + [each.query for each in (*found.stops, *found.stops_back)]
    named = {name for text in texts for name in re.findall(r"(?:FROM|UPDATE|INTO)\s+(\w+)\.\w+", text)}
    assert named and named <= known


@pytest.mark.parametrize("older, newer", PAIRS)
def test_its_queries_only_read(older: str, newer: str) -> None:
    found = pair.of(older, newer)
    queries = [each.query.strip() for each in (*found.stops, *found.stops_back)]
    assert queries and all(each.startswith("SELECT ") and ";" not in each for each in queries)


def test_between_builds_of_a_series_nothing_is_set_back() -> None:
    assert pair.of("2026.2", "2026.2") == Pair("2026.2", "2026.2")


def test_an_older_series_is_refused_with_the_way_back() -> None:
    with pytest.raises(BadInput, match="is older than") as refused:
        pair.of("2026.2", "2026.1")
    assert "rollback" in refused.value.hint


def test_an_unknown_series_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(BadInput, match=r"no release 2031\.1") as refused:
        pair.of("2026.2", "2031.1")
    assert "2026.2" in refused.value.hint


def test_a_series_that_is_not_the_next_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    known = ["2026.1", "2026.2", "2027.1"]
    monkeypatch.setattr(data, "releases", lambda: known)
    monkeypatch.setattr(data, "release", lambda series: data.folder("releases") / series)
    with pytest.raises(BadInput, match=r"no way from 2026\.1 to 2027\.1") as refused:
        pair.of("2026.1", "2027.1")
    assert "--to 2026.2" in refused.value.hint


def test_the_sql_of_a_service_comes_in_the_order_of_the_file() -> None:
    known = Pair(
        "a",
        "b",
        back=(SetBack("compute", "ONE;\n"), SetBack("network", "TWO;"), SetBack("compute", "THREE;")),
    )
    assert pair.set_back(known, "compute") == "ONE;\nTHREE;"
    assert pair.set_back(known, "identity") == ""


def test_each_row_of_a_query_stops_it_in_words() -> None:
    stops = [Stop("first", "{1} on {0} is old"), Stop("second", "{0}")]
    rows = {"first": [["c1", "nova-compute"], ["n1", "nova-compute"]], "second": []}
    assert pair.stopping(stops, rows.__getitem__) == [
        "nova-compute on c1 is old",
        "nova-compute on n1 is old",
    ]


def test_from_2026_1_nova_is_set_back_and_new_features_stop_the_way_back() -> None:
    known = pair.of("2026.1", "2026.2")
    assert known.additive
    sql = pair.set_back(known, "compute")
    assert "SET version = 72 WHERE version = 74" in sql
    assert '"1.44"' in sql and '"1.42"' in sql
    assert any("hw_mem_encryption_model" in each.query for each in known.stops_back)
