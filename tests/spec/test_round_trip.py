"""What is right stays the same when written down and read again; what is not is refused with its place."""

from __future__ import annotations

import io
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from onestack import spec
from onestack.spec import BadSpec, services

names = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True)
loopback = st.sampled_from(["127.0.0.1", "127.1.2.3", "::1"])
beyond = st.sampled_from(["192.0.2.1", "10.0.0.1", "2001:db8::5"])


def mapping(**optional: Any) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=optional)


names_of_tls = st.sampled_from(["auto", True, False])
ports = st.integers(1, 65535)
virts = st.sampled_from(["auto", "kvm", "qemu"])
listens = st.one_of(
    mapping(address=loopback, port=ports, tls=names_of_tls, name=names),
    mapping(address=beyond, port=ports, tls=st.sampled_from(["auto", True]), name=names),
)
ratios = mapping(
    cpu_allocation_ratio=st.floats(0.1, 128, allow_nan=False), ram_allocation_ratio=st.floats(0.1, 16)
)
computes = st.one_of(
    st.builds(
        lambda a, b: a | b,
        ratios,
        mapping(driver=st.just("libvirt"), virt=virts),
    ),
    st.builds(lambda a, b: a | b | {"driver": "fake"}, ratios, mapping(hosts=st.integers(1, 500))),
)
externals = mapping(
    cidr=st.builds(
        lambda b, c, length: f"10.{b}.{c * 8}.0/{length}",
        st.integers(0, 255),
        st.integers(0, 31),
        st.integers(21, 29),
    ),
    interface=st.sampled_from(["eth1", "enp3s0"]),
)
networks = mapping(
    datapath=st.sampled_from(["auto", "kernel", "userspace"]),
    external=externals,
    mtu=st.integers(1280, 9000),
    isolated=st.sampled_from([None, True, False]),
)
platforms = mapping(
    release=st.sampled_from(["2026.2", 2026.2]),
    services=st.lists(st.sampled_from([*services.types(), *services.projects()]), min_size=1),
    listen=listens,
    compute=computes,
    network=networks,
)
hosts = st.lists(st.fixed_dictionaries({"name": names, "address": beyond}), max_size=1)
specs = mapping(version=st.just(1), name=names, platform=platforms, hosts=hosts)


def as_yaml(data: dict[str, Any]) -> str:
    text = io.StringIO()
    yaml = YAML(typ="safe", pure=True)
    # In braces it writes ::1 without quotes, which neither it nor any other YAML 1.2 reader takes back.
    yaml.default_flow_style = False
    yaml.dump(data, text)
    return text.getvalue() if data else "{}"


@given(specs)
@settings(deadline=None, max_examples=30)
def test_right_specs_survive_being_written_and_read(data: dict[str, Any]) -> None:
    once = spec.loads(as_yaml(data))
    again = spec.loads(as_yaml(once.model_dump(mode="json")))
    assert again == once
    assert again.model_dump_json() == once.model_dump_json()
    brief = once.model_dump_json(exclude_unset=True)
    assert spec.loads(brief) == once


@given(st.text(alphabet=st.sampled_from("ab:-{}[]&*!|>'\"#%@`,? \n\t0159.<~\x00é"), max_size=60))
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
def test_any_text_is_a_spec_or_refused_with_a_place(text: str) -> None:
    try:
        spec.loads(text, "cloud.yaml")
    except BadSpec as error:
        assert error.diagnostics
        assert all(one.place and one.place.line for one in error.diagnostics)


some_keys = st.sampled_from(["platform", "hosts", "listen", "name", "port", "x"])
finite = st.floats(allow_nan=False, allow_infinity=False)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | finite | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(some_keys, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["version", "name", "platform", "hosts"]), json_values, min_size=1))
@settings(deadline=None, max_examples=150)
def test_any_values_are_a_spec_or_refused_with_a_place(data: dict[str, Any]) -> None:
    try:
        spec.loads(json.dumps(data), "cloud.yaml")
    except BadSpec as error:
        assert all(one.place and one.place.line == 1 for one in error.diagnostics)
