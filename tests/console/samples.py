"""What the pages are given to show in tests; every text that a person or a service wrote has markup in it."""

from __future__ import annotations

from typing import Any

from onestack.console import networks
from onestack.observe.topology import Network, Router, Station, Topology

EVIL = "<script>alert(1)</script>"

_PROCESS = {
    "name": "keystone",
    "state": "RUNNING",
    "pid": 7,
    "memory": 90,
    "uptime": 7300.0,
    "restarts": 1,
    "answers": True,
    "seen": "",
    "host": "",
    "cpu": 12.5,
}
_STOPPED = {
    **_PROCESS,
    "name": "nova",
    "state": "STOPPED",
    "pid": None,
    "memory": None,
    "uptime": None,
    "cpu": None,
}
HEALTH: dict[str, Any] = {
    "health": "degraded",
    "name": f"lab {EVIL}",
    "release": "2026.2",
    "gateway": "http://127.0.0.1:8080",
    "dashboard": "http://127.0.0.1:8080/dashboard/",
    "hypervisor": "qemu",
    "datapath": "kernel",
    "guests": 2,
    "processes": [_PROCESS, {**_STOPPED, "answers": False, "seen": EVIL}],
    "reasons": [f"nova does not run (stopped) {EVIL}"],
    "scaling": [EVIL],
    "warnings": [EVIL],
    "quorum": [{"service": "etcd", "members": 2, "size": 3}],
    "ceph": None,
    "backup": {
        "to": "/srv/backup",
        "last": "12ab",
        "time": 1000.0,
        "age": 7300.0,
        "every": 86400.0,
        "late": False,
        "error": "",
    },
}
HISTORY = [
    {
        "time": 1000.0 + 60 * number,
        "kind": "decision",
        "action": "out",
        "done": True,
        "size": 2 + number,
        "to": 3 + number,
        "recommendations": [
            {"policy": f"target {EVIL}", "value": 81.0, "meaning": "wants", "size": 3, "why": EVIL}
        ],
        "limits": [EVIL],
    }
    for number in range(3)
]
CAPACITY = {
    "resources": [
        {"host": EVIL, "resource": each, "room": 100, "used": 40, "free": 60}
        for each in ("VCPU", "MEMORY_MB", "DISK_GB")
    ],
    "figures": {"M": {EVIL: 2}, "C": 2, "N": 1, "L": 2.0, "R": 1, "H": 2.0},
}
DATA: dict[str, Any] = {
    "health": HEALTH,
    "processes": HEALTH,
    "capacity": CAPACITY,
    "room": CAPACITY,
    "alerts": {
        "monitored": True,
        "alerts": [
            {
                "name": "A",
                "severity": "critical",
                "state": "firing",
                "summary": EVIL,
                "action": EVIL,
                "since": "",
            }
        ],
    },
    "events": [{"time": 1000.0, "source": "keeper", "text": EVIL, "level": "warn"}],
    "certificates": [{"name": "api-gateway", "days": 12, "until": "2027-01-01"}],
    "agents": [{"kind": "nova-compute", "host": EVIL, "alive": False, "enabled": True, "reason": EVIL}],
    "topology": networks.shown(
        Topology(
            [Network("n1", EVIL, EVIL, False, "10.0.0.0/24"), Network("n2", "public", "admin", True, "")],
            [Router("r1", EVIL, EVIL, "ACTIVE", "n2", "172.24.4.2", ("n1",))],
            [Station("server", "s1", EVIL, EVIL, "ERROR", "n1", "10.0.0.5", "172.24.4.9", ("n2",))],
        )
    ),
    "log": {"lines": [["keystone", EVIL]], "more": True},
    "hosts": [
        {
            "name": EVIL,
            "address": "10.0.0.1",
            "roles": ["control"],
            "leader": True,
            "disks": [{"name": "d", "path": "/dev/sdb", "size": None}],
            "machine": {
                "cpus": 2,
                "load": 0.5,
                "memory": 4096,
                "memory_free": 1024,
                "disk": 100,
                "disk_free": 50,
            },
            "processes": [_PROCESS],
        }
    ],
    "guests": {"hosts": {"n1": [{"id": "i", "name": EVIL, "status": "ERROR"}]}, "more": False},
    "groups": [
        {
            "title": f"shop/{EVIL}",
            "desired": 3,
            "min": 1,
            "max": 5,
            "suspended": False,
            "phase": "",
            "members": {"serving": 3},
            "decision": EVIL,
            "problems": [EVIL],
            "history": [
                *HISTORY,
                {
                    "time": 1300.0,
                    "kind": "action",
                    "verb": "create",
                    "member": EVIL,
                    "why": EVIL,
                    "failed": EVIL,
                },
                {"time": 1350.0, "kind": "action", "verb": "create", "member": "m"},
                {"time": 1400.0, "kind": "rolled back", "why": EVIL},
            ],
        }
    ],
    "subjects": {"kind": "server", "rows": [{"id": "i", "name": EVIL, "status": "ERROR"}]},
    "why": {
        "ok": False,
        "what": f"server '{EVIL}'",
        "status": "ERROR",
        "verdict": EVIL,
        "hint": EVIL,
        "hosts": [{"host": "n1", "zone": "nova", "reasons": [EVIL]}],
        "parts": [{"part": "pool", "status": "ERROR", "reasons": [EVIL]}],
        "facts": [EVIL],
        "quotas": [{"name": "cores", "limit": -1, "used": 2}],
        "request_id": "req-1",
    },
    "plan": {
        "summary": {"add": 1, "change": 1, "destroy": 1, "wanted": 4},
        "changes": [
            {"action": "create", "kind": "network", "path": ["a", EVIL], "place": {"file": "x", "line": 3}},
            {
                "action": "update",
                "kind": "server",
                "path": ["a", "b"],
                "why": EVIL,
                "fields": {"user_data": {"before": EVIL, "after": EVIL * 20}},
            },
        ],
        "left": [{"kind": "router", "path": [EVIL], "id": "1"}],
        "notes": [EVIL],
        "id": "0123456789abcdef",
    },
}
"""By the name of the part."""
