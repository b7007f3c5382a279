"""Who may log in where: keys of the hosts and of their operator, sshd's configuration and the client's."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from onestack.host import base

SSHD = Path("/usr/sbin/sshd")
# On the machine no address of the hosts can be reached. A socket that was made in the client's network can: ssh is
# given it by a file descriptor, and no process stays between.
DIAL = """\
import socket, sys
made = socket.create_connection((sys.argv[1], int(sys.argv[2])), 10)
socket.send_fds(socket.socket(fileno=1), [b"\\0"], [made.fileno()])
"""


def install() -> None:
    """Have OpenSSH on the machine, where it is not yet. Raises PermanentError."""
    if not SSHD.exists() or shutil.which("ssh") is None:
        base.install_packages(["openssh-server", "openssh-client"])


def make(folder: Path, names: Mapping[str, str]) -> None:
    """A key for each host and one for the operator; `known_hosts` for all. `names`: each host's address."""
    folder.mkdir(mode=0o700)
    for name in ("operator", *names):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", f"{name} (a test's)", "-f"]
        subprocess.run([*words, str(folder / name)], check=True)
    known = [f"{name},{address} {public(folder, name)}\n" for name, address in names.items()]
    (folder / "known_hosts").write_text("".join(known))


def public(folder: Path, name: str) -> str:
    return " ".join((folder / f"{name}.pub").read_text().split()[:2])


def client(names: Mapping[str, str], key: str, known: str, proxy: str = "") -> str:
    """The client's configuration: every host by its name and its address."""
    way = f" ProxyUseFdpass yes\n ProxyCommand {proxy}\n" if proxy else ""
    text = ""
    for name, address in names.items():
        text += (
            f"Host {name} {address}\n HostName {address}\n User root\n IdentityFile {key}\n"
            f" IdentitiesOnly yes\n UserKnownHostsFile {known}\n{way}"
        )
    return text


def files(
    folder: Path, name: str, names: Mapping[str, str], *, reaches_all: bool
) -> dict[str, tuple[str, int]]:
    """What a host has below its root: path, text and mode. With `reaches_all` the operator's key too."""
    address = names[name]
    found = {
        "etc/ssh/sshd_config": (
            f"ListenAddress {address}\nHostKey /etc/ssh/host\nPidFile none\nUsePAM no\n"
            "PasswordAuthentication no\nPermitRootLogin prohibit-password\nPrintLastLog no\nPrintMotd no\n"
            # A test makes many connections at once.
            "MaxStartups 100:30:200\nMaxSessions 100\nSubsystem sftp internal-sftp\n",
            0o644,
        ),
        "etc/ssh/host": ((folder / name).read_text(), 0o600),
        "etc/ssh/host.pub": ((folder / f"{name}.pub").read_text(), 0o644),
        "root/.ssh/authorized_keys": (f"{public(folder, 'operator')}\n", 0o600),
    }
    if reaches_all:
        known = "/root/.ssh/known_hosts"
        found |= {
            "root/.ssh/id_ed25519": ((folder / "operator").read_text(), 0o600),
            "root/.ssh/known_hosts": ((folder / "known_hosts").read_text(), 0o600),
            "root/.ssh/config": (client(names, "/root/.ssh/id_ed25519", known), 0o600),
        }
    return found
