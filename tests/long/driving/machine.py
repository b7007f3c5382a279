"""The machine as the test uses it: start, run a command, reboot, end. Every wait ends when it stands still.

It may be twenty times slower than the one it runs on, and that one may be busy. So no wait has a fixed length: it
ends in failure when for STILL seconds nothing was said and its processors had next to nothing to do, or when the
machine itself was not heard for that long.
"""

from __future__ import annotations

import json
import logging
import queue
import re
import socket
import subprocess
import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from long.driving import qemu

STILL = 900.0
"""Seconds. What is emulated in there waits for its own time-outs, which are minutes."""
LITTLE = 0.4
"""Processors: a cloud without work keeps less than this busy, a command at work one or two."""
_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_say = logging.getLogger("long").info


class StandsStill(AssertionError):
    """The machine, or what it was asked for, makes no progress any more."""


class CommandFailed(AssertionError):
    """A command ended with another status than 0."""


class Machine:
    """A machine that runs. `folder`: that of the run."""

    def __init__(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        self._process = process
        self._console = folder / qemu.CONSOLE
        self._agent = folder / qemu.AGENT
        self._heard: queue.Queue[dict[str, Any]] = queue.Queue()
        self._socket: socket.socket | None = None
        self._asked = 0
        self.boot = ""
        """The kernel's name for this boot."""
        self._shown = 0

    @property
    def runs(self) -> bool:
        """Whether QEMU is there."""
        return self._process.poll() is None

    def wait_for_agent(self) -> None:
        """Wait until the agent of another boot than the one known speaks. Raises StandsStill."""
        begun = said = time.monotonic()
        while True:
            if self._show_console():
                said = time.monotonic()
            self._connect()
            message = self._next(1.0)
            if message and message.get("boot", self.boot) != self.boot:
                self.boot = message["boot"]
                _say("the machine has started, after %.0f s", time.monotonic() - begun)
                return
            self._demand_progress("the machine to start", said)

    def run(
        self,
        *argv: str,
        check: bool = True,
        environment: Mapping[str, str] | None = None,
        quiet: bool = False,
    ) -> str:
        """Run a command to its end and return what it wrote. Each line is said as it comes, unless `quiet`.

        Raises CommandFailed, unless `check` is off, and StandsStill.
        """
        self._asked += 1
        wanted, begun = self._asked, time.monotonic()
        _say("$ %s", " ".join(argv))
        self._send({"id": wanted, "argv": argv, "environment": dict(environment or {})})
        lines: list[str] = []
        worked: deque[tuple[float, float]] = deque()
        said = heard = time.monotonic()
        while True:
            message = self._next(5.0)
            now = time.monotonic()
            if message is not None:
                heard = now
            if message and message.get("id") == wanted:
                said = now
                if "status" in message:
                    break
                lines.append(message["line"])
                if not quiet:
                    _say("  %s", message["line"])
            if message and "busy" in message:
                worked.append((now, message["busy"]))
                if is_at_work(worked):
                    said = now
            self._demand_progress(f"`{' '.join(argv)}`", min(said, heard))
        status, text = message["status"], "\n".join(lines)
        _say("  (status %s, %.0f s)", status, time.monotonic() - begun)
        if check and status != 0:
            raise CommandFailed(f"`{' '.join(argv)}` ended with status {status}:\n{text}")
        return text

    def reboot(self) -> None:
        """As an operator does; returns when the machine has started anew."""
        _say("$ systemctl reboot")
        self._asked += 1
        self._send({"id": self._asked, "argv": ["systemctl", "reboot"]})
        self.wait_for_agent()

    def end(self) -> None:
        """Switch it off."""
        if self._socket:
            self._socket.close()
        # Its namespaces, and QEMU in them, go with the process that made them.
        self._process.kill()
        self._process.wait()

    def _connect(self) -> None:
        if self._socket is None and self._agent.exists():
            found = socket.socket(socket.AF_UNIX)
            try:
                found.connect(str(self._agent))
            except OSError:
                found.close()
                return
            self._socket = found
            threading.Thread(target=self._listen, args=(found,), daemon=True).start()

    def _listen(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            for line in lines:
                try:
                    self._heard.put(json.loads(line))
                except ValueError:
                    # A line that a reboot cut off.
                    _say("? %r", line[:200])

    def _send(self, what: Mapping[str, object]) -> None:
        assert self._socket is not None, "the machine has not started"
        self._socket.sendall(json.dumps(what).encode() + b"\n")

    def _next(self, seconds: float) -> dict[str, Any] | None:
        try:
            return self._heard.get(timeout=seconds)
        except queue.Empty:
            return None

    def _show_console(self) -> bool:
        """Say what is new on the console; whether there was anything."""
        if not self._console.exists():
            return False
        with self._console.open("rb") as file:
            file.seek(self._shown)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._shown += len(whole)
        for line in whole.decode(errors="replace").splitlines():
            if text := _COLOUR.sub("", line).strip():
                _say("| %s", text)
        return bool(whole)

    def _demand_progress(self, what: str, since: float) -> None:
        if (status := self._process.poll()) is not None:
            raise StandsStill(f"QEMU ended with status {status} while waiting for {what}")
        if time.monotonic() - since > STILL:
            raise StandsStill(f"waiting for {what}: nothing was said or worked for {STILL:.0f} s")


def is_at_work(worked: deque[tuple[float, float]], span: float = 60.0, little: float = LITTLE) -> bool:
    """Whether the processors did more than `little` in the last `span` seconds.

    `worked`: (time, seconds worked until then), the oldest first; what is older than `span` is removed.
    """
    while len(worked) > 2 and worked[-1][0] - worked[1][0] >= span:
        worked.popleft()
    (first, before), (last, after) = worked[0], worked[-1]
    return last > first and (after - before) / (last - first) > little


def boot(base: Path, store: Path, folder: Path, argv: Sequence[str]) -> Machine:
    """Start the machine; `end` must be called."""
    machine = Machine(qemu.start(base, store, folder, argv), folder)
    try:
        machine.wait_for_agent()
    except BaseException:
        machine.end()
        raise
    return machine
