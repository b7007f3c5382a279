"""What guests use, from libvirt's words: rates between two looks, and nothing where there is nothing to know."""

from __future__ import annotations

import pytest

from onestack.observe import guests
from onestack.observe.observation import GuestRates

# As libvirt 11.3 writes it, shortened.
DOMSTATS = """\
Domain: 'instance-00000001'
  state.state=1
  state.reason=1
  cpu.time=5000000000
  cpu.user=1000000000
  balloon.current=262144
  balloon.maximum=262144
  balloon.unused=100000
  balloon.available=250000
  balloon.usable=150000
  balloon.rss=200000
  vcpu.current=2
  vcpu.maximum=2
  vcpu.0.state=1
  vcpu.0.time=2000000000
  net.count=2
  net.0.name=tap1
  net.0.rx.bytes=1000
  net.0.tx.bytes=500
  net.1.name=tap2
  net.1.rx.bytes=10
  net.1.tx.bytes=20
  block.count=2
  block.0.name=vda
  block.0.rd.bytes=4096
  block.0.wr.bytes=1024
  block.1.name=vda
  block.1.backingIndex=1
  block.1.path=/base

Domain: 'instance-00000002'
  state.state=5
  state.reason=1
  cpu.time=77
"""


def one(**more: object) -> guests.Used:
    facts = {"cpu": 0, "vcpus": 1, "memory": None, "network": {}, "disk": {}, **more}
    return guests.Used(**facts)  # type: ignore[arg-type]


def test_guests_that_run_are_read() -> None:
    found = guests.parse(DOMSTATS)
    assert list(found) == ["instance-00000001"]
    assert found["instance-00000001"] == guests.Used(
        5_000_000_000, 2, 40.0, {"tap1": 1500, "tap2": 30}, {"vda": 5120}
    )


def test_nothing_runs() -> None:
    assert guests.parse("") == {}


def test_memory_needs_the_guests_own_figures() -> None:
    text = "Domain: 'a'\n  state.state=1\n  balloon.current=262144\n  balloon.rss=200000\n"
    assert guests.parse(text)["a"].memory is None
    assert guests.parse(text + "  balloon.available=200\n  balloon.unused=50\n")["a"].memory == 75.0


def test_servers_by_domain() -> None:
    text = "30f2f3ac-7fdc-4f4f-ab6f-54ea8b5aa0d5 instance-00000001\n\n"
    assert guests.servers(text) == {"instance-00000001": "30f2f3ac-7fdc-4f4f-ab6f-54ea8b5aa0d5"}


def test_cpu_is_of_all_virtual_processors() -> None:
    before, now = one(cpu=0, vcpus=2), one(cpu=5_000_000_000, vcpus=2)
    assert guests.rates(before, now, 5.0).cpu == 50.0
    # The emulator's own threads count too; more than all is not shown.
    assert guests.rates(before, one(cpu=50_000_000_000, vcpus=2), 5.0).cpu == 100.0


def test_the_first_look_has_no_rates() -> None:
    assert guests.rates(None, one(memory=40.0), 0.0) == GuestRates(None, 40.0, None, None)


def test_a_guest_that_started_anew_has_no_rates_but_never_negative_ones() -> None:
    before = one(cpu=900, network={"tap1": 900}, disk={"vda": 900})
    now = one(cpu=1, network={"tap1": 1}, disk={"vda": 1})
    assert guests.rates(before, now, 5.0) == GuestRates(None, None, None, None)


def test_a_device_that_comes_or_goes_makes_no_jump() -> None:
    before = one(network={"tap1": 100, "tap2": 7_000_000}, disk={"vda": 0})
    now = one(network={"tap1": 600}, disk={"vda": 50, "vdb": 9_000_000})
    found = guests.rates(before, now, 5.0)
    assert (found.network, found.disk) == (100.0, 10.0)


@pytest.mark.parametrize("missing", ["cpu", "network", "disk"])
def test_what_is_missing_is_not_zero(missing: str) -> None:
    whole = {"cpu": 10**9, "network": {"tap1": 5}, "disk": {"vda": 5}}
    empty = {**whole, missing: None if missing == "cpu" else {}}
    found = guests.rates(one(**whole), one(**empty), 5.0)
    assert getattr(found, missing) is None
