"""Two compute hosts on loopback, with certificates of one CA; what is rsync's is in a folder for each."""

from __future__ import annotations

import json
from pathlib import Path

from onestack.core import contract
from onestack.platform import tls

HOSTS = {"c1": "127.0.0.2", "n1": "127.0.0.3"}
STRANGER = "x9"
PORT = 16515


def write(work: Path, seen: Path, port: int = PORT, folder: str = "/var/lib/nova/instances") -> None:
    """The folder /etc/onestack of each host, and of one that has a certificate and is no compute host.

    `seen`: where `work` will be for them.
    """
    for name, address in {**HOSTS, STRANGER: "127.0.0.4"}.items():
        files = tls.host_files(work / "ca", "cloud", name, address)
        (work / name / "tls").mkdir(parents=True)
        (work / name / "rsync").mkdir()
        for file, content in files.items():
            (work / name / "tls" / file).write_bytes(content)
        settings: contract.RsyncSettings = {
            "address": address,
            "port": port,
            "socket": f"{seen}/{name}/ready.sock",
            "folder": folder,
            "hosts": HOSTS,
            "ca": f"{seen}/{name}/tls/ca.pem",
            "certificate": f"{seen}/{name}/tls/host.pem",
            "key": f"{seen}/{name}/tls/host.key",
        }
        (work / name / contract.RSYNC_SETTINGS).write_text(json.dumps(settings))
