"""One pretended host: started, asked, lost, frozen, cut off and back."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Interface
from pathlib import Path
from typing import Any

from onestack.core.errors import PermanentError
from onestack.core.wait import until
from onestack.host.command import CLEAN, last_lines, run

from . import processes, traces
from .processes import Held
from .wire import DETACHED, GATEWAY, Wire

REPOSITORY = Path(__file__).parents[2]
SSH = ":0016 00000000:0000 0A"
"""How /proc/net/tcp writes that somebody listens on port 22."""
DISK_SIZE = 30 << 30
"""Bytes that a host's disk has at most; the file takes what is written."""


@dataclass
class Host:
    """A host of `Hosts`. `files`: its own, by path, with text and mode. `shared`: by folder of the machine, where it
    is seen and how it is mounted.

    Which process is its first one stands in a file: others may lose it or have it back meanwhile.
    """

    name: str
    address: IPv4Interface
    work: Path
    wire: Wire
    files: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    shared: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def folder(self) -> Path:
        return self.work / self.name

    @property
    def log(self) -> Path:
        """What its start and its sshd say."""
        return self.folder / "log"

    @property
    def image(self) -> Path:
        return self.folder / "image"

    @property
    def init(self) -> Held | None:
        """Its first process, while it runs."""
        try:
            pid, started = self._init.read_text().split()
        except FileNotFoundError:
            return None
        first = Held(int(pid), int(started))
        return first if first.lives else None

    @property
    def _init(self) -> Path:
        return self.folder / "init"

    @property
    def runs(self) -> bool:
        return self.init is not None

    def make(self) -> None:
        """Its folder, with a disk of its own. Raises PermanentError."""
        for name in ("disk", "root"):
            (self.folder / name).mkdir(parents=True)
        with self.image.open("wb") as image:
            image.truncate(DISK_SIZE)
        run(["mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1,lazy_journal_init=1", str(self.image)])

    def start(self) -> None:
        """Boot it. Raises PermanentError, with the reason, where this machine cannot have such hosts."""
        assert not self.runs, f"{self.name} runs"
        kinds = ("--net", "--uts", "--ipc", "--mount", "--pid", "--fork")
        ready = False
        boot = [sys.executable, "-I", str(Path(__file__).with_name("boot.py"))]
        words = [*DETACHED, "unshare", *kinds, "--", *boot]
        with (
            self.log.open("ab") as log,
            subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, bufsize=1
            ) as started,
        ):
            assert started.stdin is not None
            assert started.stdout is not None
            parent, here = started.stdout.readline(), started.stdout.readline()
            if here == "here\n":
                self.wire.plug(self.name, int(parent), self.address)
                if self.wire.routed:
                    self.wire.plug_outside(self.name, int(parent), self.address)
                first = Held.of(processes.children(int(parent))[0])
                # Before it is more than a process that waits: who ends us here knows what to end.
                partial = self._init.with_suffix(".partial")
                partial.write_text(f"{first.pid} {first.started}")
                partial.rename(self._init)
                started.stdin.write(json.dumps(self._given()) + "\n")
                started.stdin.flush()
                ready = started.stdout.readline() == "ready\n"
        if not ready:
            raise PermanentError(
                f"the pretended host {self.name} cannot be made on this machine",
                detail=last_lines(self.log.read_text()),
                where=str(self.log),
                hint="it takes root, network, mount, UTS, IPC and pid namespaces, overlay, loop, veth and bridge",
            )
        until(
            f"sshd of {self.name} to listen",
            lambda: (self._listens(), ""),
            seconds=60,
            every=0.02,
            where=self.log,
        )

    def _given(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "work": str(self.folder),
            "image": str(self.image),
            "address": str(self.address.ip),
            "prefix": self.address.network.prefixlen,
            "gateway": str(GATEWAY.ip),
            "outside": self.wire.routed,
            "files": self.files,
            "shared": self.shared,
        }

    def _listens(self) -> bool:
        return SSH in Path(f"/proc/{self._first().pid}/net/tcp").read_text()

    def _first(self) -> Held:
        if (first := self.init) is None:
            raise PermanentError(f"the pretended host {self.name} is lost", hint=f"back {self.name}")
        return first

    def command(self, argv: Sequence[str], folder: Path | str = "/") -> list[str]:
        """The command line that runs `argv` in it, as root, with an environment of its own."""
        kinds = ("--mount", "--uts", "--ipc", "--net", "--pid")
        clean = [f"{name}={value}" for name, value in {**CLEAN, "HOME": "/root", "TERM": "dumb"}.items()]
        words = ["nsenter", "-t", str(self._first().pid), *kinds, f"--wdns={folder}", "--"]
        return [*words, "env", "-i", *clean, *argv]

    def run(self, *argv: str, seconds: float = 60, check: bool = True, folder: Path | str = "/") -> str:
        """Run a command in it and return what it wrote. Raises CommandFailed unless `check` is off."""
        return run(self.command(argv, folder), seconds=seconds, check=check)

    def pids(self) -> list[int]:
        """Its processes, by the machine's pids."""
        return processes.within(self._first())

    def lose(self) -> None:
        """Its power fails: nothing more is heard of it, not that a connection was closed either."""
        self.end()

    def end(self) -> None:
        """Take its links, end all of it and wait until its disk is free; what is on the disk stays."""
        self.wire.unplug(self.name)
        if (first := self.init) is not None:
            first.end()
        self._init.unlink(missing_ok=True)
        until(
            f"the disk of {self.name} to be let go",
            lambda: (not loops(self.image), str(loops(self.image))),
            seconds=60,
            every=0.02,
        )

    def freeze(self) -> None:
        """Stop all of its processes; the kernel still answers for it (ping, TCP's handshake)."""
        processes.freeze(self._first())

    def cut(self) -> None:
        """Take its links down; all in it goes on."""
        self._first()
        self.wire.set_link(self.name, up=False)

    def back(self) -> None:
        """Boot it where it was lost; else let it go on and put the links up."""
        if not self.runs:
            self.start()
            return
        processes.thaw(self._first())
        self.wire.set_link(self.name, up=True)

    def look(self) -> traces.Traces:
        """What it is like now."""
        return traces.look(self.init, self.image, self.folder / "disk")

    def keep(self) -> None:
        """Remember what it is like: `changes` compares with it."""
        traces.write(self.folder / "before.json", self.look())

    def changes(self) -> dict[str, list[str]]:
        """What differs from the last `keep` (its start): by kind, lines that begin with + or -; nothing if it is as
        it was. Of a host that is lost only its files are compared."""
        return traces.differences(traces.read(self.folder / "before.json"), self.look())


def loops(image: Path) -> list[str]:
    """The loop devices that a file is behind."""
    found = []
    for file in Path("/sys/block").glob("loop*/loop/backing_file"):
        try:
            if file.read_text().strip().removesuffix(" (deleted)") == str(image):
                found.append(file.parts[3])
        except OSError:  # let go meanwhile
            continue
    return found
