"""Nova."""

from __future__ import annotations

from nova import monkey_patch

monkey_patch.patch(backend="threading")

import os  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
from pathlib import Path  # noqa: E402
from types import SimpleNamespace  # noqa: E402
from typing import Any  # noqa: E402

import pytest  # noqa: E402
from nova import context, exception, objects  # noqa: E402
from nova.api.validation import validators  # noqa: E402
from nova.network import neutron  # noqa: E402
from nova.objects import cell_mapping  # noqa: E402
from nova.scheduler.client import report  # noqa: E402
from nova.virt.libvirt import host  # noqa: E402
from oslo_config import cfg  # noqa: E402
from oslo_messaging import TransportURL  # noqa: E402

from onestack_runtime import contract  # noqa: E402
from onestack_runtime.admin import cells  # noqa: E402
from onestack_runtime.replacements import nova  # noqa: E402

objects.register_all()

ENTRIES = (
    "nova-validators",
    "libvirt-lock",
    "physical-network",
    "host-allocations",
)


def test_upstream_source_is_unchanged(entry_name: str, source_changes: Any) -> None:
    assert source_changes(entry_name) == ""


def told(act: Any) -> object:
    try:
        return act()
    except Exception as error:
        return type(error), str(error)


SCHEMAS = (
    {
        "type": "object",
        "properties": {"count": {"type": "integer", "minimum": 1}},
        "additionalProperties": False,
    },
    {"type": "object", "properties": {"id": {"type": "string", "format": "uuid"}}},
)


@pytest.mark.replaces("nova-validators")
@pytest.mark.parametrize("relaxed", [False, True])
@pytest.mark.parametrize("is_body", [False, True])
def test_requests_are_accepted_and_refused_as_before(relaxed: bool, is_body: bool, both: Any) -> None:
    theirs, ours = both.functions
    assert theirs is validators._SchemaValidator
    for schema in (*SCHEMAS, *SCHEMAS):
        for body in ({"count": 1}, {"count": 0}, {"count": "2"}, {"id": "x"}, {"more": 1}, [], {}):
            seen = []
            for make in (theirs, ours):
                mine = dict(body) if isinstance(body, dict) else body
                validator = make(schema, relaxed, is_body)
                seen.append((told(lambda check=validator.validate, mine=mine: check(mine)), mine))
            assert seen[0] == seen[1], (schema, body)
    assert ours(SCHEMAS[0], relaxed, is_body) is ours(SCHEMAS[0], relaxed, is_body=is_body)


def held_twice(made: Any, seconds: float) -> bool:
    """Whether libvirt may call back while Nova asks it. (Where not, the thread that asks never comes back.)"""
    done = threading.Event()

    def ask() -> None:
        made.get_connection()
        done.set()

    threading.Thread(target=ask, daemon=True).start()
    return done.wait(seconds)


class Calling(host.Host):
    """libvirt's connection ended a moment before it is asked, and says so in the thread that asks."""

    _wrapped_conn: Any

    def _test_connection(self, conn: Any) -> bool:
        self._connection_closed(conn, False, "ended")
        return False

    def _get_new_connection(self) -> str:
        return "new"


@pytest.mark.replaces("libvirt-lock")
def test_a_callback_may_come_while_nova_asks(installed: Any) -> None:
    made = Calling("qemu:///system")
    made._wrapped_conn = "old"
    assert held_twice(made, 30)
    assert made.get_connection() == "new"
    other = Calling("qemu:///system")
    assert other._wrapped_conn_lock is not made._wrapped_conn_lock
    with made._wrapped_conn_lock:
        seen: list[bool] = []
        thread = threading.Thread(target=lambda: seen.append(made._wrapped_conn_lock.acquire(blocking=False)))
        thread.start()
        thread.join()
    assert seen == [False], "it is still a lock between threads"


@pytest.mark.replaces("libvirt-lock")
def test_upstream_still_needs_it() -> None:
    made = Calling("qemu:///system")
    made._wrapped_conn = "old"
    assert not held_twice(made, 0.5)


NETWORKS: dict[str, Any] = {
    "flat": {"provider:physical_network": "public", "provider:network_type": "flat"},
    "tunnel": {"provider:physical_network": None, "provider:network_type": "geneve"},
    "segments": {"segments": [{"provider:physical_network": None}, {"provider:physical_network": "vlans"}]},
    "none": {"segments": [{"provider:physical_network": None}]},
}


class Client:
    """Neutron's client, and what it was asked."""

    def __init__(self, admin: bool = True) -> None:
        self.admin, self.asked = admin, []

    def list_extensions(self) -> Any:
        return {"extensions": [{"alias": "multi-provider", "name": "Multi Provider Network"}]}

    def show_network(self, net_id: str, fields: Any = None) -> Any:
        self.asked.append((net_id, fields))
        return {"network": NETWORKS[net_id]}


def request(**more: Any) -> Any:
    return context.RequestContext("user", "project", **{"is_admin": True, **more})


@pytest.mark.replaces("physical-network")
@pytest.mark.parametrize("admin", [True, False])
@pytest.mark.parametrize("network", sorted(NETWORKS))
def test_a_networks_physical_network_is_the_same(
    network: str, admin: bool, both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = neutron.API()
    monkeypatch.setattr(api, "_has_extension", lambda *about: network in ("segments", "none"))
    seen, clients = [], [Client(admin), Client(admin)]
    for ask, client in zip(both.functions, clients, strict=True):
        one = request()
        seen.append(
            [told(lambda ask=ask, client=client, one=one: ask(api, one, client, network)) for _ in range(3)]
        )
    assert seen[0] == seen[1]
    theirs, ours = (len(client.asked) for client in clients)
    failed = network == "none"
    assert ours == (theirs if failed or not admin else theirs // 3)


@pytest.mark.replaces("physical-network")
def test_another_request_asks_anew_and_so_does_a_long_one(both: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    api, client = neutron.API(), Client()
    monkeypatch.setattr(api, "_has_extension", lambda *about: False)
    now = [100.0]
    monkeypatch.setattr(nova.time, "monotonic", lambda: now[0])
    _, ask = both.functions
    first, second = request(), request()
    for one, asked in ((first, 1), (first, 1), (second, 2), (first, 2)):
        ask(api, one, client, "flat")
        assert len(client.asked) == asked
    now[0] += nova.CACHE_SECONDS + 1
    ask(api, first, client, "flat")
    assert len(client.asked) == 3


class Reports:
    """Placement as the report client asks it."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._provider_tree = SimpleNamespace(get_provider_uuids=lambda name_or_uuid: [f"rp-{name_or_uuid}"])

    def get_allocations_for_resource_provider(self, about: Any, provider: str) -> Any:
        self.asked.append(provider)
        if provider == "rp-away":
            raise exception.ResourceProviderAllocationRetrievalFailed(rp_uuid=provider, error="away")
        return SimpleNamespace(allocations={f"server on {provider}": {}})

    def get_allocs_for_consumer(self, about: Any, consumer: str) -> Any:
        return {"allocations": consumer}


@pytest.mark.replaces("host-allocations")
@pytest.mark.parametrize("in_placement", [True, False])
def test_allocations_are_told_where_they_are_used(
    in_placement: bool, both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nova.conf import CONF

    CONF.set_override("report_in_placement", in_placement, group="pci")
    theirs, ours = both.functions
    assert report.SchedulerReportClient.get_allocations_for_provider_tree is theirs
    nodes = ("a", "b", "a", "away", "away", "b")
    upstream, mine = Reports(), Reports()
    expected = [told(lambda node=node: theirs(upstream, None, node)) for node in nodes]
    seen = [told(lambda node=node: ours(mine, None, node)) for node in nodes]
    if in_placement:
        assert seen == expected
    else:
        # At the start of each host, also of one whose start failed before; then nobody uses them.
        assert [seen[0], seen[1], seen[3], seen[4]] == [expected[0], expected[1], expected[3], expected[4]]
        assert [seen[2], seen[5]] == [{}, {}]
    CONF.clear_override("report_in_placement", group="pci")


@pytest.mark.parametrize(
    "url",
    [
        "rabbit://nova:p%40@10.0.0.1:5671/",
        "rabbit://nova:p@c1:5671/cloud?ssl=1",
        "rabbit://nova:p@c1:5671,nova:p@c2:5671,nova:p@c3:5671/",
        "onestack://",
    ],
)
def test_nova_finds_the_servers_of_the_bus_in_the_template_of_a_cell(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cell_mapping, "CONF", SimpleNamespace(transport_url=url))
    filled = objects.CellMapping.format_mq_url(cells.transport_template(url))
    config = cfg.ConfigOpts()
    wanted, found = (TransportURL.parse(config, each) for each in (url, filled))
    assert (found.transport, found.hosts) == (wanted.transport, wanted.hosts)
    assert (found.virtual_host or "") == (wanted.virtual_host or "")
    assert found.query == wanted.query


ALONE = """
from nova import monkey_patch
monkey_patch.patch(backend="threading")
from onestack_runtime.runners import nova_compute
nova_compute.prepare()
from nova import context, exception, objects
from nova.db.main import api
from nova.objects import base
assert nova_compute.is_alone()
try:
    api.instance_get_all_by_host(context.get_admin_context(), "n1")
except exception.DBNotAllowed:
    print("no database")
try:
    objects.Instance.get_by_uuid(context.get_admin_context(), "1")
except Exception as error:
    print(type(error).__name__)
"""


def test_nova_compute_alone_asks_the_conductor_and_opens_no_database(tmp_path: Path) -> None:
    (tmp_path / "nova").mkdir()
    text = "[DEFAULT]\ntransport_url = fake://\nrpc_response_timeout = 1\n"
    (tmp_path / "nova/nova.conf").write_text(text)
    environment = {**os.environ, contract.ETC_VARIABLE: str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", ALONE], capture_output=True, text=True, env=environment, check=False
    )
    # Nova's own log is among it.
    assert {"no database", "MessagingTimeout"} <= {*done.stdout.splitlines()}, done.stdout + done.stderr
