"""OpenStack's several ways to say that something is wrong, as one; marks on what is made."""

from __future__ import annotations

from typing import Any

import pytest

from onestack.core.errors import TemporaryError
from onestack.workloads.kind.discovery import kinds
from onestack.workloads.kind.faults import Fault
from onestack.workloads.kind.ownership import (
    InAttribute,
    InDescription,
    InMetadata,
    InTags,
    LabelPlace,
    OwnerLabel,
    parse,
)
from onestack.workloads.openstack.rest import Rest


class Answer:
    """An HTTP answer."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        self.status_code = status
        self.headers = {
            "Content-Type": "application/json",
            "x-openstack-request-id": "req-9",
            **(headers or {}),
        }
        self.content = b"x" if body is not None else b""
        self._body = body
        self.text = body if isinstance(body, str) else ""

    def json(self) -> Any:
        if isinstance(self._body, str):
            raise ValueError("no JSON")
        return self._body


class Wire:
    """In place of a connection: gives what it was given to give."""

    def __init__(self, *answers: Answer) -> None:
        self.asked: list[tuple[str, str, dict[str, Any]]] = []
        self._answers = list(answers)
        self.network = self.compute = self.image = self

    def request(self, path: str, method: str, raise_exc: bool, **words: Any) -> Answer:
        self.asked.append((method, path, words))
        return self._answers.pop(0)


@pytest.mark.parametrize(
    ("status", "body", "says"),
    [
        (
            404,
            {"NeutronError": {"type": "NotFound", "message": "Network x could not be found.", "detail": ""}},
            "Network x",
        ),
        (403, {"forbidden": {"code": 403, "message": "Quota exceeded for cores"}}, "Quota exceeded"),
        (
            400,
            {"error": {"code": 400, "title": "Bad Request", "message": "'name' is a required property"}},
            "'name'",
        ),
        (
            400,
            {"faultcode": "Client", "faultstring": "Validation failure: port", "debuginfo": None},
            "Validation",
        ),
        (
            403,
            "<html><body><h1>403 Forbidden</h1>You are not\n authorized</body></html>",
            "You are not authorized",
        ),
        (500, "", "HTTP 500"),
    ],
)
def test_a_fault_is_openstacks_own_words_with_the_request(status: int, body: Any, says: str) -> None:
    rest = Rest(Wire(Answer(status, body)), "network")  # type: ignore[arg-type]
    with pytest.raises(Fault) as raised:
        rest.get("/networks/x")
    assert says in raised.value.summary
    assert raised.value.status == status
    assert "req-9" in str(raised.value.where)
    assert "GET /networks/x" in str(raised.value.where)


@pytest.mark.parametrize(
    ("status", "message", "passing"),
    [
        (503, "Service Unavailable", True),
        (429, "slow down", True),
        (409, "Load Balancer 1 is immutable and cannot be updated.", True),
        (409, "Cannot 'os-stop' while instance is in task_state powering-off", True),
        (409, "Unable to complete operation on network: There are one or more ports still in use", True),
        (409, "Conflict occurred attempting to store user - Duplicate entry", False),
        (400, "Flavor's memory is too small for requested image.", False),
        (403, "Quota exceeded for cores", False),
    ],
)
def test_only_what_passes_is_temporary(status: int, message: str, passing: bool) -> None:
    rest = Rest(Wire(Answer(status, {"error": {"message": message}})), "network")  # type: ignore[arg-type]
    with pytest.raises(TemporaryError if passing else Fault):
        rest.post("/networks", {})


def test_every_page_of_a_list_is_read() -> None:
    first = {
        "servers": [{"id": "1"}],
        "servers_links": [{"rel": "next", "href": "http://c/servers?marker=1&limit=1"}],
    }
    wire = Wire(Answer(200, first), Answer(200, {"servers": [{"id": "2"}]}))
    assert [one["id"] for one in Rest(wire, "compute").all("/servers", "servers", all_tenants="1")] == [
        "1",
        "2",
    ]  # type: ignore[arg-type]
    assert wire.asked[1][2]["params"] == {"all_tenants": "1", "marker": "1", "limit": "1"}
    assert wire.asked[0][2]["microversion"] == "2.96"


def test_the_next_pages_are_of_the_same_list_where_a_word_has_several_values() -> None:
    def page(number: int) -> Answer:
        # As Nova makes the link: one value is left.
        link = {"rel": "next", "href": f"http://c/servers?status=ERROR&marker={number}"}
        return Answer(200, {"servers": [{"id": str(number)}], "servers_links": [link]})

    wire = Wire(page(1), page(2), Answer(200, {"servers": []}))
    found = Rest(wire, "compute").all("/servers", "servers", status=("BUILD", "ERROR"))  # type: ignore[arg-type]
    assert [one["id"] for one in found] == ["1", "2"]
    assert [asked[2]["params"].get("marker") for asked in wire.asked] == [None, "1", "2"]
    assert {asked[2]["params"]["status"] for asked in wire.asked} == {("BUILD", "ERROR")}


def test_what_is_gone_may_be_deleted_again() -> None:
    wire = Wire(Answer(404, {"error": {"message": "gone"}}))
    Rest(wire, "network").delete("/networks/x")  # type: ignore[arg-type]
    assert wire.asked == [("DELETE", "/networks/x", {"json": None} if "json" in wire.asked[0][2] else {})]


@pytest.mark.parametrize("label_in", [InDescription(), InAttribute(), InMetadata(), InTags()])
@pytest.mark.parametrize("description", ["", "The web shop", "[odd] text"])
def test_a_mark_is_read_back_and_taken_out(label_in: LabelPlace, description: str) -> None:
    body: dict[str, Any] = {"description": description, "metadata": {"tier": "front"}}
    label_in.put(body, OwnerLabel("acme", "front: the first"))
    assert label_in.take(body) == OwnerLabel("acme", "front: the first")
    assert body["description"] == description
    assert body["metadata"] == {"tier": "front"}


@pytest.mark.parametrize("text", [None, "", "acme", ":front", 7])
def test_what_is_no_mark_is_none(text: object) -> None:
    assert parse(text) is None


def test_every_kind_is_declared_whole() -> None:
    for name, kind in kinds().items():
        assert kind.name == name
        assert kind.service in ("identity", "image", "network", "compute", "block-storage", "load-balancer")
        assert kind.immutable <= set(kind.fields), name
        assert set(kind.refs) <= set(kind.fields), name
        assert type(kind).__doc__ or type(kind).__module__, name


def test_the_tags_of_others_stay() -> None:
    body: dict[str, Any] = {"tags": ["hers"]}
    InTags().put(body, OwnerLabel("acme", "www"))
    assert body == {"tags": ["hers", "onestack:acme:www"]}
    assert InTags().take(body) == OwnerLabel("acme", "www")
    assert body == {"tags": ["hers"]}
