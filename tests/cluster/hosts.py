"""Pretended hosts on one machine: `python -m tests.cluster.hosts up|down|list|exec|lose|freeze|cut|back|changes`.

A host is a set of namespaces (network, mount, UTS, IPC, pid) with a root of its own: the machine's, under a layer on
the host's own disk. A bridge joins the hosts; the machine is not at it, and reaches them by ssh with a configuration
file.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Interface
from pathlib import Path

from onestack.core.errors import OneStackError, PermanentError
from onestack.core.paths import DEFAULT_CACHE, Paths

from . import keys
from .host import REPOSITORY, Host
from .processes import Held
from .wire import ROUTER, Wire, join_client

WORK = Path("/var/tmp/onestack-hosts")
"""Where the hosts of a person are; tests have theirs elsewhere."""
NAMES = {"c1": "10.77.0.11", "n1": "10.77.0.21", "n2": "10.77.0.22"}
"""The hosts of examples/hosts.yaml."""
PREFIX = 24


class Hosts:
    """The hosts whose files are in one folder."""

    def __init__(self, work: Path) -> None:
        self.work = work
        self._state = work / "state.json"
        self._hosts: dict[str, Host] = {}
        self._wire: Wire | None = None
        self._client: Held | None = None
        self._read()

    def __getitem__(self, name: str) -> Host:
        if name not in self._hosts:
            raise PermanentError(
                f"there is no pretended host {name}", hint=f"there are {', '.join(self._hosts) or 'none'}"
            )
        return self._hosts[name]

    def __iter__(self) -> Iterator[Host]:
        return iter(self._hosts.values())

    @property
    def ssh_config(self) -> Path:
        """With `ssh -F`, the machine reaches each host by its name or address."""
        return self.work / "ssh_config"

    def client_command(self, argv: Sequence[str]) -> list[str]:
        """The command line that runs `argv` in the hosts' network, but on none of them."""
        assert self._client is not None, "there are no hosts"
        return ["nsenter", f"--net={self._client.namespace('net')}", "--", *argv]

    def up(
        self,
        names: Mapping[str, str] = NAMES,
        *,
        share_cache: bool = True,
        routed: bool = False,
        reach: int = 1,
    ) -> None:
        """Make and boot the hosts. `routed`: each with a NIC in a network outside. Root of the first `reach` ones
        reaches all by ssh.

        Raises PermanentError, and leaves nothing, where that cannot be done.
        """
        if os.geteuid() != 0:
            raise PermanentError("pretended hosts need root")
        if self._state.exists():
            raise PermanentError(f"there are hosts in {self.work}", hint="take them down first")
        keys.install()
        self.work.mkdir(parents=True, exist_ok=True, mode=0o755)
        try:
            self._make(names, share_cache=share_cache, routed=routed, reach=reach)
        except BaseException:
            self.down()
            raise

    def _make(self, names: Mapping[str, str], *, share_cache: bool, routed: bool, reach: int) -> None:
        folder = self.work / "keys"
        keys.make(folder, names)
        self._wire = Wire.make(routed=routed)
        self._write()
        self._client = join_client(self._wire)
        self._write()
        for place, name in enumerate(names):
            files = {**_files(name, names), **keys.files(folder, name, names, reaches_all=place < reach)}
            made = Host(name, _with_prefix(names[name]), self.work, self._wire, files, _shared(share_cache))
            self._hosts[name] = made
            made.make()
            self._write()
            made.start()
            made.keep()
        dial = f"nsenter --net={self._client.namespace('net')} -- {sys.executable} -I -S {self.work}/dial.py %h %p"
        (self.work / "dial.py").write_text(keys.DIAL)
        known = str(folder / "known_hosts")
        self.ssh_config.write_text(keys.client(names, str(folder / "operator"), known, dial))

    def down(self) -> None:
        """End the hosts and remove their files, however far they had come."""
        for host in self:
            host.end()
        for held in (self._client, self._wire.holder if self._wire else None):
            if held is not None:
                held.end()
        self._hosts, self._wire, self._client = {}, None, None
        shutil.rmtree(self.work, ignore_errors=True)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """One command, or one run of the tests, makes and removes the hosts of a folder. Raises PermanentError."""
        while True:
            self.work.mkdir(parents=True, exist_ok=True)
            file = self.work / "lock"
            with file.open("a") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    # Who had it may have removed it, with all else.
                    same = file.exists() and os.path.samestat(file.stat(), os.fstat(lock.fileno()))
                except BlockingIOError:
                    raise PermanentError(
                        f"another command or test run has the hosts in {self.work}"
                    ) from None
                if same:
                    self._read()
                    yield
                    return

    @classmethod
    @contextmanager
    def fresh(
        cls, work: Path, names: Mapping[str, str] = NAMES, *, routed: bool = False, reach: int = 1
    ) -> Iterator[Hosts]:
        """Hosts that are there within the context; the rest as in `up`. Those that a run that was killed left are
        removed before."""
        made = cls(work)
        with made.locked():
            made.down()
        with made.locked():
            made.up(names, routed=routed, reach=reach)
            try:
                yield made
            finally:
                made.down()

    def _write(self) -> None:
        def held(one: Held | None) -> list[int] | None:
            return [one.pid, one.started] if one else None

        hosts = {
            host.name: {
                "address": str(host.address),
                "files": host.files,
                "shared": host.shared,
            }
            for host in self
        }
        state = {
            "wire": held(self._wire.holder if self._wire else None),
            "routed": bool(self._wire and self._wire.routed),
            "client": held(self._client),
            "hosts": hosts,
        }
        partial = self._state.with_suffix(".partial")
        partial.touch(mode=0o600)
        partial.write_text(json.dumps(state))
        partial.rename(self._state)

    def _read(self) -> None:
        if not self._state.exists():
            return

        def held(one: list[int] | None) -> Held | None:
            return Held(*one) if one else None

        state = json.loads(self._state.read_text())
        holder = held(state["wire"])
        assert holder is not None
        self._wire, self._client = Wire(holder, state.get("routed", False)), held(state["client"])
        self._hosts = {
            name: Host(
                name,
                IPv4Interface(kept["address"]),
                self.work,
                self._wire,
                kept["files"],
                kept["shared"],
            )
            for name, kept in state["hosts"].items()
        }


def _with_prefix(address: str) -> IPv4Interface:
    return IPv4Interface(f"{address}/{PREFIX}")


def _files(name: str, names: Mapping[str, str]) -> dict[str, tuple[str, int]]:
    known = "".join(f"{address} {each}\n" for each, address in names.items())
    resolvers = Path("/etc/resolv.conf")
    return {
        "etc/hostname": (f"{name}\n", 0o644),
        "etc/hosts": (f"127.0.0.1 localhost\n::1 localhost\n{known}", 0o644),
        "etc/machine-id": (f"{uuid.uuid4().hex}\n", 0o444),
        # On the machine it may lead into /run.
        "etc/resolv.conf": (resolvers.read_text() if resolvers.exists() else "", 0o644),
    }


def _shared(share_cache: bool) -> dict[str, tuple[str, str]]:
    # The project is seen at its own place, whatever of the machine's is hidden there; nobody may write to it.
    found = {str(REPOSITORY): (str(REPOSITORY), "ro")}
    if not Path(sys.prefix).is_relative_to(REPOSITORY):
        found[sys.prefix] = (sys.prefix, "ro")
    if share_cache:
        cache = Paths.at().cache
        cache.mkdir(parents=True, exist_ok=True)
        found[str(cache)] = (str(DEFAULT_CACHE), "")
    return found


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.hosts", description=__doc__)
    parser.add_argument("--work", type=Path, default=WORK, help="the hosts' folder (%(default)s)")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help="make and boot c1, n1 and n2, or the hosts that are named")
    up.add_argument(
        "hosts", nargs="*", metavar="NAME=ADDRESS", help=f"an address in {_with_prefix('10.77.0.0').network}"
    )
    up.add_argument(
        "--own-cache", action="store_true", help="let each host fetch and build all parts of a cloud itself"
    )
    up.add_argument(
        "--outside", action="store_true", help=f"give each an eth1 in a network with a router, {ROUTER}"
    )
    commands.add_parser("down", help="end and remove them")
    commands.add_parser("list", help="say what there is")
    run = commands.add_parser(
        "exec", help="run a command in a host, or as `client` in the network beside them"
    )
    run.add_argument("host")
    run.add_argument("argv", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    for name, text in {
        "lose": "its power fails: link down, all processes killed",
        "freeze": "stop all of its processes",
        "cut": "link down",
        "back": "undo lose (it boots), freeze and cut",
        "changes": "show how it differs from how it was made",
    }.items():
        commands.add_parser(name, help=text).add_argument("host")
    return parser


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")


def _list(hosts: Hosts) -> None:
    for host in hosts:
        state = (
            f"runs, {len(host.pids())} processes, first pid {host.init.pid}"
            if host.runs and host.init
            else "lost"
        )
        _say(f"{host.name} {host.address.ip} {state}")
    if list(hosts):
        _say(f"ssh -F {hosts.ssh_config} NAME")


def _exec(hosts: Hosts, name: str, argv: list[str]) -> int:
    words = argv[1:] if argv[:1] == ["--"] else argv
    words = words or ["bash", "-l"]
    if name == "client":
        return subprocess.call(hosts.client_command(words))
    # In the project's folder if that is where we are: ./onestack works there as here.
    here = Path.cwd()
    folder = here if here.is_relative_to(REPOSITORY) else Path("/")
    passed = [
        f"{key}={value}" for key, value in os.environ.items() if key == "TERM" or key.startswith("ONESTACK_")
    ]
    return subprocess.call(hosts[name].command(["env", *passed, *words], folder))


def main() -> int:
    given = _arguments().parse_args()
    hosts = Hosts(given.work)
    try:
        match given.command:
            case "exec":
                return _exec(hosts, given.host, given.argv)
            case "list":
                _list(hosts)
            case "changes":
                for kind, lines in hosts[given.host].changes().items():
                    _say("\n".join([f"{kind}:", *(f"  {line}" for line in lines)]))
            case "up":
                wanted = dict(each.split("=", 1) for each in given.hosts) or NAMES
                with hosts.locked():
                    hosts.up(wanted, share_cache=not given.own_cache, routed=given.outside)
                _list(hosts)
            case "down":
                with hosts.locked():
                    hosts.down()
            case _:
                getattr(hosts[given.host], given.command)()
    except OneStackError as error:
        sys.stderr.write("\n".join(filter(None, [error.summary, error.detail, error.hint])) + "\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
