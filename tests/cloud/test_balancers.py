"""Balancers at work: members come, drain, leave and die; rules, cookies, headers; and nothing is dropped."""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from openstack import exceptions

from cloud import members
from cloud.members import Field, Machine, get, who
from cloud.web import Web
from onestack import Cloud
from onestack.core.wait import until

pytestmark = pytest.mark.cloud


@pytest.fixture(scope="module")
def field(cloud: Cloud) -> Iterator[Field]:
    with members.in_network(cloud), members.field_of(cloud) as made:
        yield made


@pytest.fixture(scope="module")
def two(field: Field) -> tuple[Machine, Machine]:
    """Two members that answer on port 80."""
    pair = field.machine("one"), field.machine("two")
    for each in pair:
        each.serve()
    return pair


@pytest.fixture(scope="module")
def kept(field: Field, two: tuple[Machine, Machine]) -> Web:
    """The balancer of those tests that leave it as it was; `usefixtures` says that one does."""
    return Web(field, two)


@pytest.fixture
def web(field: Field, two: tuple[Machine, Machine], request: pytest.FixtureRequest) -> Iterator[Web]:
    """An HTTP balancer with a floating IP and two members."""
    shared = "kept" in request.fixturenames
    made = request.getfixturevalue("kept") if shared else Web(field, two)
    made.answers({"one", "two"})
    yield made
    if not shared:
        made.remove()


def test_members_take_turns_and_weights_count(web: Web) -> None:
    assert Counter(who(web.ip, 20)) == {"one": 10, "two": 10}
    web.made(web.api.update_member, web.members["one"].id, web.pool.id, weight=4)
    seen = Counter(who(web.ip, 20))
    assert seen["one"] == 16, seen


def test_members_come_drain_and_leave_without_a_reload(web: Web, two: tuple[Machine, Machine]) -> None:
    before = web.workers()
    slow: list[Any] = []

    def ask() -> None:
        slow.append(get(web.ip, "/slow?6", seconds=30))

    clients = [threading.Thread(target=ask) for _ in range(2)]
    for each in clients:
        each.start()
    time.sleep(1)  # both requests are under way, one at each member
    web.made(web.api.delete_member, web.members["two"].id, web.pool.id)
    assert set(who(web.ip, 6)) == {"one"}
    for each in clients:
        each.join()
    assert sorted(body for _, body, _ in slow) == ["one" * 10, "two" * 10]
    again = web.add_member(web.pool, two[1])
    web.answers({"one", "two"}, seconds=3)
    web.made(web.api.update_member, again.id, web.pool.id, weight=0)
    assert set(who(web.ip, 6)) == {"one"}
    web.status("member", again.id, "DRAINING")
    web.made(web.api.update_member, again.id, web.pool.id, weight=1, is_admin_state_up=False)
    assert set(who(web.ip, 6)) == {"one"}
    web.status("member", again.id, "OFFLINE")
    web.made(web.api.update_member, again.id, web.pool.id, is_admin_state_up=True)
    web.answers({"one", "two"}, seconds=3)
    assert web.workers() == before


@pytest.mark.usefixtures("kept")
def test_a_reload_drops_nothing(web: Web) -> None:
    before = web.workers()
    failures: list[str] = []
    count, ended = 0, threading.Event()

    def ask() -> None:
        nonlocal count
        while not ended.is_set():
            try:
                status, _, _ = get(web.ip, seconds=10)
                assert status == 200, status
                count += 1
            except (OSError, AssertionError) as error:
                failures.append(repr(error))

    clients = [threading.Thread(target=ask) for _ in range(3)]
    for each in clients:
        each.start()
    for weight in (10, 20, 30):
        web.made(web.api.update_listener, web.listener.id, timeout_client_data=50_000 + weight)
    ended.set()
    for each in clients:
        each.join()
    assert web.workers() != before
    assert count > 20
    assert failures == []


def test_a_dead_member_is_noticed_and_comes_back(web: Web, field: Field) -> None:
    third = field.machine("three")
    third.serve()
    member = web.add_member(web.pool, third)
    web.made(web.api.create_health_monitor, pool_id=web.pool.id, type="HTTP", delay=1, timeout=1, max_retries=1,
             max_retries_down=1, url_path="/", expected_codes="200-202")  # fmt: skip
    web.answers({"one", "two", "three"})
    web.status("member", member.id, "ONLINE")
    third.stop()
    web.status("member", member.id, "ERROR")
    web.status("pool", web.pool.id, "DEGRADED")
    web.status("load_balancer", web.lb.id, "DEGRADED")
    assert set(who(web.ip, 8)) == {"one", "two"}
    third.serve()
    web.status("member", member.id, "ONLINE")
    web.status("load_balancer", web.lb.id, "ONLINE")
    web.answers({"one", "two", "three"})


@pytest.mark.parametrize("kind", ["TCP", "PING", "HTTP"])
def test_monitors(web: Web, kind: str) -> None:
    more = {"url_path": "/fail", "expected_codes": "200"} if kind == "HTTP" else {}
    web.made(web.api.create_health_monitor, pool_id=web.pool.id, type=kind, delay=1, timeout=1, max_retries=1,
             max_retries_down=1, **more)  # fmt: skip
    web.status("pool", web.pool.id, "ERROR" if kind == "HTTP" else "ONLINE")
    web.status("member", web.members["one"].id, "ERROR" if kind == "HTTP" else "ONLINE")


def test_rules_of_every_plain_type(web: Web, field: Field, two: tuple[Machine, Machine]) -> None:
    other = web.add_pool(loadbalancer_id=web.lb.id)
    web.add_member(other, two[1])
    web.made(web.api.delete_member, web.members["two"].id, web.pool.id)
    policy = web.made(web.api.create_l7_policy, listener_id=web.listener.id, action="REDIRECT_TO_POOL",
                      redirect_pool_id=other.id)  # fmt: skip
    cases: list[tuple[dict[str, str], str, dict[str, str]]] = [
        ({"type": "PATH", "compare_type": "STARTS_WITH", "rule_value": "/two"}, "/two/x", {}),
        ({"type": "PATH", "compare_type": "REGEX", "rule_value": "^/a[0-9]+$"}, "/a12", {}),
        ({"type": "FILE_TYPE", "compare_type": "EQUAL_TO", "rule_value": "png"}, "/x.png", {}),
        (
            {"type": "HOST_NAME", "compare_type": "EQUAL_TO", "rule_value": "two.example"},
            "/",
            {"Host": "two.example"},
        ),
        (
            {"type": "HEADER", "key": "X-To", "compare_type": "CONTAINS", "rule_value": "tw"},
            "/",
            {"X-To": "two"},
        ),
        (
            {"type": "COOKIE", "key": "to", "compare_type": "ENDS_WITH", "rule_value": "wo"},
            "/",
            {"Cookie": "to=two"},
        ),
    ]
    for rule, path, sent in cases:
        made = web.made(web.api.create_l7_rule, policy.id, **rule)
        assert get(web.ip, path, headers=sent)[1] == "two", rule
        assert get(web.ip, "/other")[1] == "one", rule
        web.made(web.api.delete_l7_rule, made.id, policy.id)
    rule = web.made(web.api.create_l7_rule, policy.id, **cases[0][0], invert=True)
    assert [get(web.ip, path)[1] for path in ("/two", "/other")] == ["one", "two"]
    web.made(
        web.api.update_l7_policy, policy.id, action="REDIRECT_TO_URL", redirect_url="http://there.example/x"
    )
    status, _, headers = get(web.ip, "/other")
    assert (status, headers["location"]) == (302, "http://there.example/x")
    web.made(
        web.api.update_l7_policy, policy.id, action="REDIRECT_PREFIX", redirect_prefix="https://there.example"
    )
    assert get(web.ip, "/other")[2]["location"] == "https://there.example/other"
    web.made(web.api.update_l7_policy, policy.id, action="REJECT")
    assert get(web.ip, "/other")[0] == 403
    assert get(web.ip, "/two")[1] == "one"
    web.made(web.api.delete_l7_rule, rule.id, policy.id)
    assert get(web.ip, "/other")[1] == "one"


def test_sessions_stay_where_they_are_even_over_a_reload(web: Web) -> None:
    web.made(web.api.update_pool, web.pool.id, session_persistence={"type": "SOURCE_IP"})
    first = set(who(web.ip, 6))
    assert len(first) == 1
    web.made(web.api.update_listener, web.listener.id, timeout_client_data=51_000)
    assert set(who(web.ip, 6)) == first
    web.made(web.api.update_pool, web.pool.id, session_persistence={"type": "HTTP_COOKIE"})
    _, name, headers = get(web.ip)
    cookie = headers["set-cookie"].split(";")[0]
    assert set(who(web.ip, 6, headers={"Cookie": cookie})) == {name}
    web.made(web.api.update_pool, web.pool.id,
             session_persistence={"type": "APP_COOKIE", "cookie_name": "session"})  # fmt: skip
    _, name, headers = get(web.ip, "/login")
    assert set(who(web.ip, 6, headers={"Cookie": headers["set-cookie"]})) == {name}


def test_headers_backups_algorithms_and_a_limit(web: Web, field: Field) -> None:
    inserted = {"X-Forwarded-For": "true", "X-Forwarded-Port": "true", "X-Forwarded-Proto": "true"}
    web.made(web.api.update_listener, web.listener.id, insert_headers=inserted)
    sent = members.headers(web.ip)
    assert sent["x-forwarded-port"] == "80"
    assert sent["x-forwarded-proto"] == "http"
    assert sent["x-forwarded-for"].count(".") == 3
    web.made(web.api.update_pool, web.pool.id, lb_algorithm="SOURCE_IP")
    assert len(set(who(web.ip, 6))) == 1
    web.made(web.api.update_pool, web.pool.id, lb_algorithm="LEAST_CONNECTIONS")
    assert set(who(web.ip, 6)) == {"one", "two"}
    web.made(web.api.update_member, web.members["two"].id, web.pool.id, backup=True)
    assert set(who(web.ip, 6)) == {"one"}
    web.made(web.api.update_member, web.members["one"].id, web.pool.id, is_admin_state_up=False)
    assert set(who(web.ip, 6)) == {"two"}
    web.made(web.api.update_listener, web.listener.id, connection_limit=1)
    with socket.create_connection((web.ip, 80), 5) as held:
        held.sendall(b"GET /slow?3 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        began = time.monotonic()
        assert held.recv(10)
        assert get(web.ip, seconds=20)[0] == 200
        assert time.monotonic() - began > 1.5


def test_members_can_be_told_the_client_by_the_proxy_protocol(web: Web, two: tuple[Machine, Machine]) -> None:
    pool = web.add_pool(loadbalancer_id=web.lb.id, protocol="PROXY")
    web.add_member(pool, two[0])
    web.made(web.api.update_listener, web.listener.id, default_pool_id=pool.id)
    line = members.headers(web.ip)["proxied"]
    assert line.startswith("PROXY TCP4 ")
    assert line.split()[3:6:2] == [web.lb.vip_address, "80"]


@pytest.mark.usefixtures("kept")
def test_only_allowed_networks_get_in(web: Web, field: Field) -> None:
    client = field.machine("client")
    ask = ["python3", "-c", "import urllib.request as u, sys; "
           f"sys.stdout.write(u.urlopen('http://{web.lb.vip_address}/', timeout=2).read().decode())"]  # fmt: skip
    web.made(web.api.update_listener, web.listener.id, allowed_cidrs=[f"{client.address}/32"])

    def refused() -> tuple[bool, str]:
        try:
            return False, str(get(web.ip, seconds=1))
        except OSError as error:
            return True, repr(error)

    until("others to be refused", refused, seconds=20, every=0.2)
    assert client.run(*ask) in ("one", "two")
    web.made(web.api.update_listener, web.listener.id, allowed_cidrs=None)
    web.answers({"one", "two"})


def test_many_members_change_at_once_and_counts_grow(
    web: Web, field: Field, two: tuple[Machine, Machine]
) -> None:
    wanted = [{"address": two[0].address, "protocol_port": 80, "weight": 3, "subnet_id": field.subnet.id},
              {"address": "10.66.0.250", "protocol_port": 81, "weight": 1, "backup": True}]  # fmt: skip
    answer = web.api.put(f"/lbaas/pools/{web.pool.id}/members", json={"members": wanted})
    assert answer.status_code == 202, answer.text
    field.active(web.lb.id)
    there = {each.address: each.weight for each in web.api.members(web.pool.id)}
    assert there == {two[0].address: 3, "10.66.0.250": 1}
    assert set(who(web.ip, 4)) == {"one"}

    def counted() -> tuple[bool, str]:
        seen = web.api.get_load_balancer_statistics(web.lb.id)
        return seen.total_connections >= 4 and seen.bytes_out > 0, str(seen)

    until("the requests to be counted", counted, seconds=20, every=0.5)
    first = web.api.get_load_balancer_statistics(web.lb.id).total_connections
    web.made(
        web.api.update_listener, web.listener.id, timeout_client_data=52_000
    )  # a reload begins anew at 0
    who(web.ip, 4)
    until(
        "counts to go on",
        lambda: (
            (now := web.api.get_load_balancer_statistics(web.lb.id).total_connections) >= first + 4,
            str(now),
        ),
        seconds=20,
        every=0.5,
    )


@pytest.mark.usefixtures("kept")
def test_what_haproxy_cannot_do_is_refused(web: Web) -> None:
    for call, words in (
        (web.api.create_listener, {"load_balancer_id": web.lb.id, "protocol": "UDP", "protocol_port": 53}),
        (web.api.create_listener, {"load_balancer_id": web.lb.id, "protocol": "SCTP", "protocol_port": 54}),
        (
            web.api.create_pool,
            {"loadbalancer_id": web.lb.id, "protocol": "TCP", "lb_algorithm": "SOURCE_IP_PORT"},
        ),
    ):
        with pytest.raises(exceptions.HttpException) as raised:
            call(**words)
        assert raised.value.status_code == 501
        field_state = web.api.get_load_balancer(web.lb.id).provisioning_status
        assert field_state == "ACTIVE"


def test_prometheus_and_tcp_listeners_beside_http(web: Web, two: tuple[Machine, Machine]) -> None:
    web.made(web.api.create_listener, load_balancer_id=web.lb.id, protocol="PROMETHEUS", protocol_port=9100)
    status, text, _ = get(web.ip, "/metrics", port=9100)
    assert status == 200
    assert f'proxy="{web.listener.id}"' in text
    assert get(web.ip, "/", port=9100)[0] == 404
    listener = web.made(web.api.create_listener, load_balancer_id=web.lb.id, protocol="TCP", protocol_port=81)
    pool = web.add_pool(listener_id=listener.id, protocol="TCP")
    web.add_member(pool, two[1])
    assert get(web.ip, port=81)[1] == "two"


def test_an_additional_vip_is_served_too(field: Field, two: tuple[Machine, Machine]) -> None:
    network = field.admin.network
    floating = len(field.floating_ips)
    second = network.create_subnet(network_id=field.network.id, ip_version=4, cidr="10.67.0.0/24")
    network.add_interface_to_router(field.router, subnet=second.id)
    web = Web(field, two, additional_vips=[{"subnet_id": second.id}])
    try:
        (added,) = web.api.get_load_balancer(web.lb.id).additional_vips
        web.answers({"one", "two"})
        web.ip = field.floating(web.lb, added["ip_address"])
        web.answers({"one", "two"})
    finally:
        web.remove()
        # Not that of the balancer that tests share.
        field.free(kept=floating)
        # Octavia deletes the VIP's port, which has an address of the subnet, after it has accepted the request.
        field.gone(web.lb.id)
        network.remove_interface_from_router(field.router, subnet=second.id)
        network.delete_subnet(second)


@pytest.mark.usefixtures("kept")
def test_a_balancer_can_be_off(web: Web) -> None:
    web.made(web.api.update_load_balancer, web.lb.id, is_admin_state_up=False)
    with pytest.raises(OSError, match=r"refused|timed out"):
        get(web.ip, seconds=2)
    web.status("load_balancer", web.lb.id, "OFFLINE")
    web.made(web.api.update_load_balancer, web.lb.id, is_admin_state_up=True)
    web.answers({"one", "two"})
    web.status("load_balancer", web.lb.id, "ONLINE")
