"""Which DNS servers guests are told of: this machine's, never one that means the guest itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from onestack.host import resolvers
from onestack.host.resolvers import BEHIND_STUBS, RESOLV_CONF

RESOLVED, NETWORK_MANAGER = BEHIND_STUBS


@pytest.mark.parametrize(
    ("files", "found"),
    [
        ({}, ()),
        ({RESOLV_CONF: "nameserver 192.0.2.53\nnameserver 192.0.2.54\n"}, ("192.0.2.53", "192.0.2.54")),
        (
            {RESOLV_CONF: "# nameserver 192.0.2.1\nsearch example.org\nnameserver\t192.0.2.53 # ours\n"},
            ("192.0.2.53",),
        ),
        ({RESOLV_CONF: "nameserver 127.0.0.53\n"}, ()),
        (
            {RESOLV_CONF: "nameserver 127.0.0.1\nnameserver 192.0.2.53\nnameserver 192.0.2.53\n"},
            ("192.0.2.53",),
        ),
        (
            {RESOLV_CONF: "nameserver ::1\nnameserver 2001:db8::53\nnameserver fe80::1%eth0\nnameserver x\n"},
            (),
        ),
        ({RESOLV_CONF: "nameserver 127.0.0.53\n", RESOLVED: "nameserver 192.0.2.7\n"}, ("192.0.2.7",)),
        ({RESOLV_CONF: "nameserver 127.0.0.1\n", NETWORK_MANAGER: "nameserver 192.0.2.8\n"}, ("192.0.2.8",)),
        ({RESOLV_CONF: "nameserver 192.0.2.53\n", RESOLVED: "nameserver 192.0.2.7\n"}, ("192.0.2.53",)),
    ],
)
def test_servers_that_guests_can_ask(tmp_path: Path, files: dict[str, str], found: tuple[str, ...]) -> None:
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert resolvers.servers(tmp_path) == found
