"""Finds a cloud's processes: those whose /run is its run folder, and those that its supervisord started.

They are not recognised by name. Comparing mount namespaces would not suffice: what `ip netns exec` starts (Neutron's
metadata proxies) has a copy of the cloud's; and the keeper and the autoscaler run outside of it.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from onestack.core import contract


@dataclass(frozen=True)
class Proc:
    """A process. `words`: its command line."""

    pid: int
    words: tuple[str, ...]

    @property
    def program(self) -> str:
        return Path(self.words[0]).name if self.words else ""

    @property
    def is_guest(self) -> bool:
        return self.program.startswith("qemu-system")

    @property
    def is_balancer(self) -> bool:
        """Whether it is the HAProxy of one of Octavia's balancers, which outlives the process that started it."""
        return self.program == "haproxy" and any(f"{contract.BALANCERS}/" in word for word in self.words)


def inside(run: Path) -> list[Proc]:
    """The processes whose /run is the folder `run`; none if the folder does not exist."""
    try:
        wanted = run.stat()
    except FileNotFoundError:
        return []
    return _select(lambda pid: os.path.samestat(Path(f"/proc/{pid}/root/run").stat(), wanted))


def of_cloud(run: Path) -> list[Proc]:
    """All processes of the cloud with the folder `run`: inside its namespace, or started by its supervisord.

    supervisord puts its address into each process's environment, so they are found even after supervisord was
    killed. A container on this machine may have a cloud with the same address: what its supervisord started has
    another root directory, and does not belong to this one.
    """
    mark = f"SUPERVISOR_SERVER_URL=unix://{run}/supervisor.sock".encode()
    here = Path("/").stat()

    def supervised(pid: int) -> bool:
        if mark not in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            return False
        root = Path(f"/proc/{pid}/root")
        # A cloud whose folder was deleted under it has a /run without a name.
        return os.path.samestat(root.stat(), here) or (root / "run").stat().st_nlink == 0

    found = {each.pid: each for each in (*inside(run), *_select(supervised))}
    return list(found.values())


def rooted_in(handle: Path) -> list[Proc]:
    """The processes in the mount namespace that a file holds."""
    try:
        wanted = handle.stat()
    except FileNotFoundError:
        return []
    return _select(lambda pid: os.path.samestat(Path(f"/proc/{pid}/ns/mnt").stat(), wanted))


def running_from(folder: Path) -> list[Proc]:
    """The processes whose command line names something in a folder: a program of an environment that lies there."""
    mark = f"{folder}/".encode()
    return _select(
        lambda pid: any(
            word.startswith(mark) for word in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        )
    )


def of_platform(run: Path) -> list[Proc]:
    """The cloud's processes without those of its tenants: guests and balancers, which survive a restart."""
    return [each for each in of_cloud(run) if not each.is_guest and not each.is_balancer]


def _select(belongs: Callable[[int], bool]) -> list[Proc]:
    found = []
    for pid in _pids():
        try:
            if belongs(pid):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                found.append(Proc(pid, tuple(word.decode(errors="replace") for word in words if word)))
        except OSError:  # the process has ended, or we may not read it (the first process of a container)
            continue
    return found


def _pids() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def end(find: Callable[[], list[Proc]], *, seconds: float = 10) -> list[Proc]:
    """End the processes that `find` returns: SIGTERM, and after `seconds` SIGKILL. Returns those that are left
    (normally none)."""
    deadline = time.monotonic() + seconds
    asked: set[int] = set()
    while living := find():
        late = time.monotonic() > deadline
        if time.monotonic() > deadline + 10:
            return living
        for proc in living:
            if late or proc.pid not in asked:
                asked.add(proc.pid)
                try:
                    os.kill(proc.pid, signal.SIGKILL if late else signal.SIGTERM)
                except ProcessLookupError:
                    continue
        time.sleep(0.1)
    return []


def memory(pid: int) -> int | None:
    """The proportional set size of a process in KiB; None if it has ended."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1])
    except OSError:
        return None
    return None


def cpu_seconds(pid: int) -> float | None:
    """The processor time that a process took, in seconds; None if it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
