"""Nova: request validation, libvirt's connection, physical networks, allocations, cells, a separate nova-compute."""

from __future__ import annotations

from nova import monkey_patch

monkey_patch.patch(backend="threading")

import os  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
from functools import partial  # noqa: E402
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


def outcome(call: Any) -> object:
    """The result of a call, or its error in a form that can be compared."""
    try:
        return call()
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
def test_requests_are_accepted_and_rejected_as_upstream(relaxed: bool, is_body: bool, both: Any) -> None:
    upstream, ours = both.functions
    assert upstream is validators._SchemaValidator
    for schema in (*SCHEMAS, *SCHEMAS):
        for body in ({"count": 1}, {"count": 0}, {"count": "2"}, {"id": "x"}, {"more": 1}, [], {}):
            outcomes = []
            for validator_class in (upstream, ours):
                # A copy: validation may change the body.
                copy = dict(body) if isinstance(body, dict) else body
                validator = validator_class(schema, relaxed, is_body)
                outcomes.append(
                    (outcome(lambda validate=validator.validate, copy=copy: validate(copy)), copy)
                )
            assert outcomes[0] == outcomes[1], (schema, body)
    assert ours(SCHEMAS[0], relaxed, is_body) is ours(SCHEMAS[0], relaxed, is_body=is_body)


def connects(libvirt_host: Any, seconds: float) -> bool:
    """Whether `get_connection` returns within `seconds`. In a deadlock its thread never ends."""
    done = threading.Event()

    def connect() -> None:
        libvirt_host.get_connection()
        done.set()

    threading.Thread(target=connect, daemon=True).start()
    return done.wait(seconds)


class HostWithCallback(host.Host):
    """Its libvirt connection has just closed: the test of the connection calls Nova back in the same thread."""

    _wrapped_conn: Any

    def _test_connection(self, conn: Any) -> bool:
        self._connection_closed(conn, False, "ended")
        return False

    def _get_new_connection(self) -> str:
        return "new"


@pytest.mark.replaces("libvirt-lock")
def test_a_callback_during_the_connection_test_does_not_deadlock(installed: Any) -> None:
    libvirt_host = HostWithCallback("qemu:///system")
    libvirt_host._wrapped_conn = "old"
    assert connects(libvirt_host, 30)
    assert libvirt_host.get_connection() == "new"
    other = HostWithCallback("qemu:///system")
    assert other._wrapped_conn_lock is not libvirt_host._wrapped_conn_lock
    with libvirt_host._wrapped_conn_lock:
        acquired: list[bool] = []
        thread = threading.Thread(
            target=lambda: acquired.append(libvirt_host._wrapped_conn_lock.acquire(blocking=False))
        )
        thread.start()
        thread.join()
    assert acquired == [False], "the lock does not exclude other threads"


@pytest.mark.replaces("libvirt-lock")
def test_upstream_still_deadlocks() -> None:
    libvirt_host = HostWithCallback("qemu:///system")
    libvirt_host._wrapped_conn = "old"
    assert not connects(libvirt_host, 0.5)


NETWORKS: dict[str, Any] = {
    "flat": {"provider:physical_network": "public", "provider:network_type": "flat"},
    "tunnel": {"provider:physical_network": None, "provider:network_type": "geneve"},
    "segments": {"segments": [{"provider:physical_network": None}, {"provider:physical_network": "vlans"}]},
    "none": {"segments": [{"provider:physical_network": None}]},
}


class FakeNeutron:
    """In place of Neutron's client; records the networks that are read."""

    def __init__(self, admin: bool = True) -> None:
        self.admin, self.reads = admin, []

    def list_extensions(self) -> Any:
        return {"extensions": [{"alias": "multi-provider", "name": "Multi Provider Network"}]}

    def show_network(self, net_id: str, fields: Any = None) -> Any:
        self.reads.append((net_id, fields))
        return {"network": NETWORKS[net_id]}


def new_request_context(**fields: Any) -> Any:
    return context.RequestContext("user", "project", **{"is_admin": True, **fields})


@pytest.mark.replaces("physical-network")
@pytest.mark.parametrize("admin", [True, False])
@pytest.mark.parametrize("network", sorted(NETWORKS))
def test_a_networks_physical_network_is_the_same(
    network: str, admin: bool, both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = neutron.API()
    monkeypatch.setattr(api, "_has_extension", lambda *args: network in ("segments", "none"))
    outcomes, clients = [], [FakeNeutron(admin), FakeNeutron(admin)]
    for get, client in zip(both.functions, clients, strict=True):
        request_context = new_request_context()
        call = partial(get, api, request_context, client, network)
        outcomes.append([outcome(call) for _ in range(3)])
    assert outcomes[0] == outcomes[1]
    upstream_reads, our_reads = (len(client.reads) for client in clients)
    fails = network == "none"
    assert our_reads == (upstream_reads if fails or not admin else upstream_reads // 3)


@pytest.mark.replaces("physical-network")
def test_the_cached_answer_is_for_one_request_and_expires(both: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    api, client = neutron.API(), FakeNeutron()
    monkeypatch.setattr(api, "_has_extension", lambda *args: False)
    now = [100.0]
    monkeypatch.setattr(nova.time, "monotonic", lambda: now[0])
    _, get = both.functions
    first, second = new_request_context(), new_request_context()
    for request_context, reads in ((first, 1), (first, 1), (second, 2), (first, 2)):
        get(api, request_context, client, "flat")
        assert len(client.reads) == reads
    now[0] += nova.CACHE_SECONDS + 1
    get(api, first, client, "flat")
    assert len(client.reads) == 3


class FakeReportClient:
    """In place of the client for Placement; records the providers whose allocations are read."""

    def __init__(self) -> None:
        self.reads: list[str] = []
        self._provider_tree = SimpleNamespace(get_provider_uuids=lambda name_or_uuid: [f"rp-{name_or_uuid}"])

    def get_allocations_for_resource_provider(self, request_context: Any, provider: str) -> Any:
        self.reads.append(provider)
        if provider == "rp-failing":
            raise exception.ResourceProviderAllocationRetrievalFailed(rp_uuid=provider, error="failing")
        return SimpleNamespace(allocations={f"server on {provider}": {}})

    def get_allocs_for_consumer(self, request_context: Any, consumer: str) -> Any:
        return {"allocations": consumer}


@pytest.mark.replaces("host-allocations")
@pytest.mark.parametrize("in_placement", [True, False])
def test_allocations_are_read_where_they_are_used(
    in_placement: bool, both: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from nova.conf import CONF

    CONF.set_override("report_in_placement", in_placement, group="pci")
    upstream, ours = both.functions
    assert report.SchedulerReportClient.get_allocations_for_provider_tree is upstream
    nodes = ("a", "b", "a", "failing", "failing", "b")
    upstream_client, our_client = FakeReportClient(), FakeReportClient()
    expected = [outcome(partial(upstream, upstream_client, None, node)) for node in nodes]
    actual = [outcome(partial(ours, our_client, None, node)) for node in nodes]
    if in_placement:
        assert actual == expected
    else:
        # They are read at the first call for each host, and again if that failed; after that nobody uses them.
        assert [actual[0], actual[1], actual[3], actual[4]] == [
            expected[0],
            expected[1],
            expected[3],
            expected[4],
        ]
        assert [actual[2], actual[5]] == [{}, {}]
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
def test_nova_fills_a_cells_transport_url_template_with_the_same_hosts(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cell_mapping, "CONF", SimpleNamespace(transport_url=url))
    filled = objects.CellMapping.format_mq_url(cells.transport_template(url))
    config = cfg.ConfigOpts()
    expected, actual = (TransportURL.parse(config, each) for each in (url, filled))
    assert (actual.transport, actual.hosts) == (expected.transport, expected.hosts)
    assert (actual.virtual_host or "") == (expected.virtual_host or "")
    assert actual.query == expected.query


COMPUTE_PROGRAM = """
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


def test_a_separate_nova_compute_calls_the_conductor_and_opens_no_database(tmp_path: Path) -> None:
    (tmp_path / "nova").mkdir()
    text = "[DEFAULT]\ntransport_url = fake://\nrpc_response_timeout = 1\n"
    (tmp_path / "nova/nova.conf").write_text(text)
    environment = {**os.environ, contract.ETC_VARIABLE: str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-P", "-c", COMPUTE_PROGRAM],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    # The output also has lines of Nova's log.
    assert {"no database", "MessagingTimeout"} <= {*done.stdout.splitlines()}, done.stdout + done.stderr
