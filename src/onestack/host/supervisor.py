"""Keeps processes running: writes supervisord's configuration, and controls it.

supervisord (the package `supervisor`) restarts processes that die, writes their output to log files, and stops them.
The order of start, and the checks whether a process is healthy, are ours (`platform.bringup`, `health.keeper`).
supervisord runs outside the namespace. Each process enters the namespace by nsenter, which execs, so the pid that
supervisord knows is the process's own.
"""

from __future__ import annotations

import configparser
import io
import os
import shlex
import signal
import sys
import time
import xmlrpc.client
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from supervisor.xmlrpc import SupervisorTransport

from onestack.core.errors import PermanentError, Unready
from onestack.core.paths import Paths
from onestack.host import systemd
from onestack.host.command import last_lines, run

LOG_BYTES = "20MB"
"""A process's log is rotated at this size; three old files are kept."""
NO_FILE = 30
"""supervisord's fault code for: no such program file."""


@dataclass(frozen=True)
class Program:
    """A process in supervisord's configuration. `command` is executed on the host (nsenter …)."""

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    log: Path
    stop_seconds: int = 15
    start_seconds: int = 1
    """A process that runs for this time counts as started; one that ends sooner is restarted with increasing
    pauses."""


@dataclass(frozen=True)
class Running:
    """A program's state according to supervisord. `since`: Unix time of its start."""

    name: str
    state: str
    pid: int
    since: float
    why: str


def configuration(programs: Sequence[Program], run_dir: Path, log_dir: Path, *, syslog: bool = False) -> str:
    """supervisord's configuration file. `syslog`: what programs write goes to the machine's syslog, too."""
    ini = configparser.RawConfigParser()
    ini["unix_http_server"] = {"file": str(run_dir / "supervisor.sock"), "chmod": "0600"}
    ini["supervisord"] = {
        "logfile": str(log_dir / "supervisor.log"),
        "pidfile": str(run_dir / "supervisor.pid"),
        "childlogdir": str(log_dir),
        "logfile_maxbytes": "5MB",
        "logfile_backups": "1",
        "user": "root",
        # Enough for OVS, MariaDB and all sockets of a cloud.
        "minfds": "8192",
    }
    ini["supervisorctl"] = {"serverurl": f"unix://{run_dir}/supervisor.sock"}
    ini["rpcinterface:supervisor"] = {
        "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
    }
    for program in programs:
        environment = ",".join(
            f'{key}="{_percent(value)}"' for key, value in sorted(program.environment.items())
        )
        ini[f"program:{program.name}"] = {
            "command": _percent(shlex.join(program.command)),
            "environment": environment,
            "directory": "/",
            "umask": "022",
            # supervisord starts nothing by itself, since the order is ours; it restarts what we started.
            "autostart": "false",
            "autorestart": "true",
            "startsecs": str(program.start_seconds),
            # With pauses of 1 + 2 + 3 … seconds supervisord gives up after about a minute (the keeper then takes
            # over).
            "startretries": "10",
            "stopwaitsecs": str(program.stop_seconds),
            "redirect_stderr": "true",
            "stdout_logfile": str(program.log),
            "stdout_logfile_maxbytes": LOG_BYTES,
            "stdout_logfile_backups": "3",
        }
        if syslog:
            ini[f"program:{program.name}"]["stdout_syslog"] = "true"
    text = io.StringIO()
    ini.write(text)
    return text.getvalue()


def _percent(word: str) -> str:
    return word.replace("%", "%%")


def _running(process: dict[str, Any]) -> Running:
    return Running(
        process["name"], process["statename"], process["pid"], process["start"], process["spawnerr"]
    )


class Supervisor:
    """The supervisord of one cloud."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths
        self._socket = paths.run / "supervisor.sock"
        self._config = paths.run / "supervisor.conf"
        self._pidfile = paths.run / "supervisor.pid"
        self._log = paths.log / "supervisor.log"

    @property
    def pid(self) -> int | None:
        """supervisord's pid, if it answers; else None."""
        try:
            return int(self._call("getPID"))
        except PermanentError:
            return None

    def configure(self, text: str) -> bool:
        """Write the configuration; returns True if it has changed."""
        if self._config.exists() and self._config.read_text() == text:
            return False
        self._config.touch(mode=0o600)
        self._config.write_text(text)
        return True

    def start(self, seconds: float = 20) -> None:
        """Start supervisord unless it runs, and have it load the configuration."""
        if self.pid is None:
            self._socket.unlink(missing_ok=True)
            # In a session of its own, so that a Ctrl-C for `up` does not reach the cloud.
            run(
                systemd.detached(
                    [sys.executable, "-m", "onestack.host.supervisord", "-c", str(self._config)],
                    self._paths,
                ),
                seconds=seconds,
                environment={"PYTHONWARNINGS": "ignore"},
                inherit=False,
            )
            deadline = time.monotonic() + seconds
            while self.pid is None:
                if time.monotonic() > deadline:
                    raise Unready(
                        f"supervisord did not answer within {seconds:.0f} s",
                        detail=last_lines(self._log.read_text() if self._log.exists() else ""),
                        where=str(self._log),
                    )
                time.sleep(0.05)
            return
        added, changed, removed = self._reload()
        for name in [*removed, *changed]:
            self.stop(name)
            self._call("removeProcessGroup", name)
        for name in [*added, *changed]:
            self._call("addProcessGroup", name)

    def changed(self) -> list[str]:
        """Have a running supervisord read the configuration; the programs that changed, which go on as they are until
        `exchange`. It must have the same programs as before."""
        return self._reload()[1]

    def exchange(self, name: str) -> None:
        """End a program that changed; what is started by this name from now on is the new one."""
        self.stop(name)
        self._call("removeProcessGroup", name)
        self._call("addProcessGroup", name)

    def _reload(self) -> list[list[str]]:
        """The names of the programs that were added, changed and removed."""
        return cast(list[list[list[str]]], self._call("reloadConfig"))[0]

    def end(self, seconds: float = 30) -> None:
        """Stop supervisord and all processes that it runs."""
        pid = self.pid
        if pid is None:
            return
        self._call("shutdown")
        deadline = time.monotonic() + seconds
        while Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        if Path(f"/proc/{pid}").exists():
            os.kill(pid, signal.SIGKILL)

    def launch(self, name: str) -> None:
        """Start a program. Idempotent."""
        try:
            self._call("startProcess", name, False)
        except PermanentError as error:
            if "ALREADY_STARTED" not in error.summary:
                raise

    def stop(self, name: str, *, wait: bool = True) -> None:
        """Stop a program. Idempotent."""
        try:
            self._call("stopProcess", name, wait)
        except PermanentError as error:
            if "NOT_RUNNING" not in error.summary and "BAD_NAME" not in error.summary:
                raise

    def signal(self, name: str, number: str) -> None:
        """Send a signal, by name, to a program's process."""
        self._call("signalProcess", name, number)

    def programs(self) -> dict[str, Running]:
        """All programs by name; empty if supervisord does not run."""
        try:
            found = cast(list[dict[str, Any]], self._call("getAllProcessInfo"))
        except PermanentError:
            return {}
        return {each["name"]: _running(each) for each in found}

    def program(self, name: str) -> Running | None:
        """A program; None if supervisord does not know it or does not run."""
        try:
            return _running(cast(dict[str, Any], self._call("getProcessInfo", name)))
        except PermanentError:
            return None

    def _call(self, method: str, *arguments: object) -> Any:
        # A new proxy for each call: its transport has one connection, and this object is shared by threads.
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        proxy = xmlrpc.client.ServerProxy("http://supervisor", transport=transport)
        try:
            return getattr(proxy.supervisor, method)(*arguments)
        except xmlrpc.client.Fault as fault:
            raise PermanentError(
                f"supervisord refused {method}: {fault.faultString}", where=str(self._log)
            ) from fault
        except (OSError, xmlrpc.client.Error) as error:
            raise PermanentError(
                "supervisord does not answer", detail=str(error), where=str(self._socket)
            ) from error
        finally:
            transport.close()
