"""Wrong specs: each with its mistake's place, and what must be said of it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Wrong:
    """`says`: parts of the message, each of which must be in the same diagnostic."""

    name: str
    text: str
    line: int
    column: int
    says: tuple[str, ...]


def wrong(name: str, text: str, at: str, *says: str) -> object:
    line, column = at.split(":")
    return pytest.param(Wrong(name, text, int(line), int(column), says), id=name)


EXTERNAL = "platform: {network: {external: {"


def _hosts(number: int, address: str = "") -> str:
    """So many hosts with all roles, and a virtual address."""
    hosts = ", ".join(f"{{name: h{each}, address: 192.0.2.{each}}}" for each in range(1, number + 1))
    return f"hosts: [{hosts}]\n" + (f"platform: {{address: {address}}}\n" if address else "")


CASES = [
    # Form
    wrong("empty", "", "1:1", "the file is empty", "version: 1"),
    wrong("only a comment", "# nothing\n", "1:1", "the file is empty"),
    wrong("a list", "- name: a\n", "1:1", "a spec cannot be a list", "version, name, platform, hosts"),
    wrong("a word", "hello\n", "1:1", "a spec cannot be the text 'hello'"),
    wrong("null", "~\n", "1:1", "a spec cannot be nothing", "version: 1"),
    wrong("tab", "platform:\n\tlisten: {}\n", "2:1", "a tab", "spaces"),
    wrong("tab after spaces", "platform:\n  \tlisten: {}\n", "2:3", "a tab", "spaces"),
    wrong("bracket", "platform: {listen: {port: 80}\n", "2:1", "not YAML", "flow mapping"),
    wrong("colon", "name: a: b\n", "1:8", "not YAML", "mapping values are not allowed"),
    wrong("half a character", 'name: "\\ud800"\n', "1:7", "half a character"),
    wrong("half a character in a key", '"\\ud800": 1\n', "1:1", "half a character"),
    wrong("a character JSON writes as two", 'name: "\\ud83d\\ude00"\n', "1:7", "'😀' is not valid here"),
    wrong("bare ::1", "platform: {listen: {address: ::1}}\n", "1:30", "found ':'", "in quotes"),
    wrong("two documents", "name: a\n---\nname: b\n", "2:1", "not YAML", "another document"),
    wrong("control character", "name: a\nversion: \x01\n", "2:10", "not readable as YAML"),
    wrong("tag", "name: !secret a\n", "1:7", "the tag '!secret' is not supported"),
    wrong("python tag", "name: !!python/name:os.system x\n", "1:7", "is not supported here"),
    wrong("alias of nothing", "name: *base\n", "1:7", "undefined alias 'base'"),
    wrong("alias of itself", "platform: &p {listen: *p}\n", "1:11", "holds itself"),
    wrong("duplicate key", "name: a\nversion: 1\nname: b\n", "3:1", "'name' occurs twice", "line 1"),
    wrong("duplicate inside", "platform:\n  listen: {port: 1, port: 2}\n", "2:21", "'port' occurs twice"),
    wrong("key that is a list", "? [a]\n: 1\n", "1:3", "a key must be text"),
    wrong("merge of a word", "platform:\n  <<: x\n", "2:7", "merges mappings only"),
    # Clouds
    wrong(
        "a cloud that is nowhere",
        "clouds: {a: {}}\n",
        "1:13",
        "either this machine's or one of clouds.yaml",
        "{local: true}",
    ),
    wrong(
        "a cloud that is at two places",
        "clouds: {a: {local: true, cloud: b}}\n",
        "1:13",
        "either this machine's or one of clouds.yaml",
    ),
    wrong(
        "one cloud twice",
        "clouds:\n  here: {cloud: x}\n  there: {cloud: x}\n",
        "3:10",
        "'here' and 'there' are both the entry 'x' of clouds.yaml",
    ),
    wrong("a cloud's name with a blank", "clouds: {a: {cloud: b c}}\n", "1:21", "'b c' is not valid here"),
    wrong(
        "an unknown key of a cloud", "clouds: {a: {lokal: true}}\n", "1:14", "unknown key 'lokal'", "'local'?"
    ),
    wrong(
        "a tenant in an unknown cloud",
        "clouds: {here: {local: true}}\ntenants:\n- {name: a, cloud: there}\n",
        "3:20",
        "there is no cloud 'there' in the file",
        "one of here",
    ),
    wrong(
        "a tenant in a cloud, and no clouds",
        "tenants:\n- {name: a, cloud: there}\n",
        "2:20",
        "there is no cloud 'there' in the file",
        "listed under 'clouds'",
    ),
    wrong(
        "a tenant in no cloud",
        "clouds: {burst: {cloud: x}}\ntenants:\n- {name: a}\n",
        "3:3",
        "the tenant 'a' is in no cloud",
        "cloud: one of burst",
    ),
    # Images
    wrong(
        "an image of nothing",
        "images:\n- {name: a}\n",
        "2:3",
        "has exactly one source",
        "one of 'file' and 'url'",
    ),
    wrong(
        "an image of two things",
        "images:\n- {name: a, file: /a, url: http://b/c}\n",
        "2:19",
        "has exactly one source",
    ),
    wrong(
        "an address that is none", "images:\n- {name: a, url: ftp://b/c}\n", "2:18", "ftp://b/c", "https://"
    ),
    wrong(
        "a checksum that is none",
        "images:\n- {name: a, url: http://b/c, checksum: sha256:12}\n",
        "2:40",
        "'sha256:12' is not a valid checksum",
    ),
    # Volumes
    wrong(
        "two backends of one name",
        "platform:\n  volumes:\n    backends:\n      - {name: a}\n      - {name: a}\n",
        "5:9",
        "two backends are called 'a'",
    ),
    wrong(
        "a backend that is a section of cinder.conf",
        "platform: {volumes: {backends: [{name: database}]}}\n",
        "1:40",
        "'database' is reserved by Cinder",
    ),
    wrong(
        "a file backend with a pool",
        "platform: {volumes: {backends: [{name: a, pool: b}]}}\n",
        "1:49",
        "'pool' is not supported here",
        "driver: rbd",
    ),
    wrong(
        "a name that is none of Ceph's",
        "platform: {volumes: {backends: [{name: a, driver: rbd, user: client x}]}}\n",
        "1:62",
        "'client x' is not valid here",
    ),
    wrong(
        "a driver that is not there",
        "platform: {volumes: {backends: [{name: a, driver: nfs}]}}\n",
        "1:51",
        "allowed: one of file, lvm, rbd",
    ),
    wrong(
        "lvm without a group",
        "platform: {volumes: {backends: [{name: a, driver: lvm}]}}\n",
        "1:51",
        "'lvm' without 'volume_group'",
    ),
    wrong(
        "a name that is no volume group's",
        "platform: {volumes: {backends: [{name: a, driver: lvm, volume_group: a/b}]}}\n",
        "1:70",
        "'a/b' is not valid here",
    ),
    wrong("no backend", "platform: {volumes: {backends: []}}\n", "1:32", "no backend is left"),
    # Keys
    wrong("unknown key", "colour: red\n", "1:1", "unknown key 'colour'", "version, name, platform, hosts"),
    wrong("typo", "platform:\n  relase: 2026.2\n", "2:3", "unknown key 'relase'", "did you mean 'release'?"),
    wrong("dash", "platform:\n  compute:\n    cpu-allocation-ratio: 2.0\n", "3:5", "'cpu_allocation_ratio'?"),
    wrong("capital", "Platform: {}\n", "1:1", "did you mean 'platform'?"),
    wrong("too high", "release: 2026.2\n", "1:1", "did you mean 'platform.release'?"),
    wrong("too deep", "platform:\n  listen:\n    mtu: 1500\n", "3:5", "did you mean 'platform.network.mtu'?"),
    wrong(
        "nothing under a key",
        "platform:\nname: a\n",
        "1:1",
        "'platform' cannot be nothing",
        "leave the key out",
    ),
    wrong("list for mapping", "platform: [a]\n", "1:11", "'platform' cannot be a list", "a mapping with"),
    wrong("missing key", "hosts:\n  - {name: a}\n", "2:5", "'address' is missing", "an IP address"),
    # Values
    wrong("version", "version: 2\n", "1:10", "'version' cannot be '2'", "allowed: 1"),
    wrong("name", "name: My Cloud\n", "1:7", "'My Cloud' is not valid", "lower-case letters"),
    wrong("name that is true", "name: true\n", "1:7", "expected text, got true", "quotes"),
    wrong("release", "platform: {release: 2019.1}\n", "1:21", "no release '2019.1'", "2026.2"),
    wrong("release as written", "platform: {release: 2026.20}\n", "1:21", "no release '2026.20'"),
    wrong(
        "service",
        "platform: {services: [identity, computr]}\n",
        "1:33",
        "'computr'",
        "did you mean 'compute'?",
    ),
    wrong("project", "platform: {services: [keystne]}\n", "1:23", "no service 'keystne'", "'identity'?"),
    wrong(
        "services as text", "platform: {services: compute}\n", "1:22", "the text 'compute'", "write [compute]"
    ),
    wrong("no services", "platform: {services: []}\n", "1:22", "no service is left"),
    wrong("exclude", "platform:\n  exclude: [network]\n", "2:13", "'network' cannot be left out", "compute"),
    wrong(
        "exclude a need of a need",
        "platform:\n  services: [nova]\n  exclude: [keystone]\n",
        "3:13",
        "'identity'",
    ),
    wrong("address", "platform: {listen: {address: localhost}}\n", "1:30", "not an IP address", "192.0.2.10"),
    wrong("any address", "platform: {listen: {address: 0.0.0.0}}\n", "1:30", "not the address of a machine"),
    wrong("port 0", "platform: {listen: {port: 0}}\n", "1:27", "'port' is too small: 0", "from 1 to 65535"),
    wrong("port 70000", "platform: {listen: {port: 70000}}\n", "1:27", "'port' is too large: 70000"),
    wrong("port as text", "platform: {listen: {port: '80'}}\n", "1:27", "the text '80'", "without quotes"),
    wrong("port as a fraction", "platform: {listen: {port: 80.5}}\n", "1:27", "'port' cannot be '80.5'"),
    wrong("port that is true", "platform: {listen: {port: true}}\n", "1:27", "'port' cannot be true"),
    wrong("tls on", "platform: {listen: {tls: on}}\n", "1:26", "'tls' cannot be 'on'", "did you mean true?"),
    wrong(
        "no tls",
        "platform: {listen: {address: 192.0.2.1, tls: false}}\n",
        "1:46",
        "only loopback addresses can do without TLS",
        "in clear",
    ),
    wrong(
        "half a pair", "platform: {listen: {certificate: /c.pem}}\n", "1:34", "'certificate' without 'key'"
    ),
    wrong("relative", "platform: {listen: {certificate: c.pem, key: /k}}\n", "1:34", "not an absolute path"),
    wrong(
        "certificate without tls",
        "platform: {listen: {certificate: /c, key: /k, tls: false}}\n",
        "1:52",
        "a certificate with TLS off",
    ),
    wrong("dns name", "platform: {listen: {name: -x.org}}\n", "1:27", "a DNS name"),
    wrong("driver", "platform: {compute: {driver: libvrt}}\n", "1:30", "'libvrt'", "did you mean libvirt?"),
    wrong("virt", "platform: {compute: {virt: xen}}\n", "1:28", "'virt' cannot be 'xen'", "auto, kvm, qemu"),
    wrong("hosts of libvirt", "platform: {compute: {hosts: 3}}\n", "1:29", "the fake driver", "driver: fake"),
    wrong(
        "501 hosts", "platform: {compute: {driver: fake, hosts: 501}}\n", "1:43", "too large", "from 1 to 500"
    ),
    wrong("virt of fake", "platform: {compute: {driver: fake, virt: kvm}}\n", "1:42", "runs no guests"),
    wrong("ratio 0", "platform: {compute: {cpu_allocation_ratio: 0}}\n", "1:44", "too small", "above 0"),
    wrong("ratio nan", "platform: {compute: {cpu_allocation_ratio: .nan}}\n", "1:44", "cpu_allocation_ratio"),
    wrong("datapath", "platform: {network: {datapath: dpdk}}\n", "1:32", "auto, kernel, userspace"),
    wrong(
        "dns on loopback",
        "platform: {network: {dns: [192.0.2.1, 127.0.0.53]}}\n",
        "1:39",
        "'127.0.0.53' is not a DNS",
    ),
    wrong("dns name", "platform: {network: {dns: [dns.example]}}\n", "1:28", "192.0.2.10"),
    wrong("nat", f"{EXTERNAL}nat: maybe}}}}}}\n", "1:38", "true or false"),
    wrong("mtu", "platform: {network: {mtu: 576}}\n", "1:27", "'mtu' is too small: 576", "from 1280 to 9000"),
    wrong(
        "isolated",
        "platform: {network: {isolated: maybe}}\n",
        "1:32",
        "'isolated' cannot be",
        "true or false",
    ),
    wrong("cidr", EXTERNAL + "cidr: 300.0.0.0/8}}}\n", "1:39", "is not a network", "172.24.4.0/24"),
    wrong("cidr without length", EXTERNAL + "cidr: 10.0.0.0}}}\n", "1:39", "has no prefix length"),
    wrong(
        "host bits", EXTERNAL + "cidr: 10.0.0.5/24}}}\n", "1:39", "host bits", "did you mean '10.0.0.0/24'?"
    ),
    wrong("ipv6", EXTERNAL + "cidr: '2001:db8::/64'}}}\n", "1:39", "is IPv6"),
    wrong("too small a network", EXTERNAL + "cidr: 10.0.0.0/30}}}\n", "1:39", "/8 to /29"),
    wrong("loopback", EXTERNAL + "cidr: 127.0.0.0/24}}}\n", "1:39", "reserved for other"),
    wrong("gateway", EXTERNAL + "cidr: 10.0.0.0/24, gateway: 10.0.1.1}}}\n", "1:61", "not a usable address"),
    wrong("broadcast", EXTERNAL + "cidr: 10.0.0.0/24, gateway: 10.0.0.255}}}\n", "1:61", "10.0.0.254"),
    wrong("pool outside", EXTERNAL + "pool: [172.24.4.9, 172.24.5.9]}}}\n", "1:52", "'172.24.5.9'"),
    wrong(
        "pool backwards", EXTERNAL + "pool: [172.24.4.9, 172.24.4.8]}}}\n", "1:39", "ends before it begins"
    ),
    wrong("pool of one", EXTERNAL + "pool: [172.24.4.9]}}}\n", "1:39", "'pool' is too short", "a list of 2"),
    wrong("pool of three", EXTERNAL + "pool: [172.24.4.2, 172.24.4.3, 172.24.4.4]}}}\n", "1:39", "too long"),
    wrong("gateway in pool", EXTERNAL + "pool: [172.24.4.1, 172.24.4.8]}}}\n", "1:39", "inside the pool"),
    wrong("interface", EXTERNAL + "interface: a/b}}}\n", "1:44", "'a/b'", "1 to 15 characters"),
    wrong("a router without an interface", EXTERNAL + "router: outside}}}\n", "1:41", "none is named"),
    wrong("another router", EXTERNAL + "router: upstream}}}\n", "1:41", "'upstream'", "host, outside"),
    wrong(
        "NAT beside a router outside",
        EXTERNAL + "interface: eth1, router: outside, nat: true}}}\n",
        "1:72",
        "NAT is the router's",
        "leave 'nat' out",
    ),
    wrong(
        "a host's NIC in no network outside",
        "hosts: [{name: a, address: 192.0.2.1, external: eth2}]\n",
        "1:49",
        "no NIC is plugged in",
        "platform.network.external.interface",
    ),
    wrong(
        "a NIC of a host without that role",
        EXTERNAL + "interface: eth1}}}\nhosts:\n- {name: a, address: 192.0.2.1}\n"
        "- {name: b, address: 192.0.2.2, roles: [compute], external: eth2}\n",
        "4:61",
        "b has no part in the external network",
    ),
    wrong(
        "a host's address in the pool",
        EXTERNAL + "cidr: 192.0.2.0/24, interface: eth1, router: outside}}}\n"
        "hosts: [{name: a, address: 192.0.2.9}]\n",
        "2:28",
        "'192.0.2.9' is in the pool of floating IPs",
    ),
    wrong("host address", "hosts: [{name: a, address: 999.1.1.1}]\n", "1:28", "not an IP address"),
    wrong(
        "role", "hosts: [{name: a, address: 192.0.2.1, roles: [computer]}]\n", "1:47", "did you mean compute?"
    ),
    wrong(
        "roles", "hosts: [{name: a, address: 192.0.2.1, roles: [control]}]\n", "1:46", "no host has the role"
    ),
    wrong("four control hosts", _hosts(4), "1:105", "bear the loss of no more of them than 3"),
    wrong("no virtual address", _hosts(3), "1:8", "no address for the APIs that outlives one of them"),
    wrong("a host's address", _hosts(3, "192.0.2.2"), "2:21", "'192.0.2.2' is h2's own"),
    wrong("a loopback address", _hosts(3, "127.0.0.1"), "2:21", "hosts cannot have '127.0.0.1' in turn"),
    wrong(
        "a virtual address alone", "platform: {address: 192.0.2.9}\n", "1:21", "is for several control hosts"
    ),
    wrong(
        "two addresses",
        _hosts(3, "192.0.2.9, listen: {address: 192.0.2.1}"),
        "2:21",
        "two addresses of the APIs",
    ),
]
