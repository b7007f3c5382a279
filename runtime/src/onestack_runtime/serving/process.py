"""A runner's process: an API and its workers as threads, from start to stop.

It listens as soon as its application is loaded, and starts its workers at the same time. On SIGTERM or SIGINT it
stops in order, within a deadline: it drains the workers, stops the API, then stops the workers. If a worker cannot be
started or dies, the process fails, so that the supervisor restarts it.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable

from onestack_runtime.serving.audit import Audit
from onestack_runtime.serving.audit_log import AuditLog
from onestack_runtime.serving.health import Application, Health
from onestack_runtime.serving.http import Mount, Server

LOG = logging.getLogger(__name__)

STOP_SECONDS = 10.0
"""How long all workers together may take to stop; less than the supervisor's limit (Process.stop_seconds)."""
START_SECONDS = 200.0
"""How long a worker's start is retried (another service may not be up yet) before the process fails."""
RETRY_SECONDS = 0.5
GC_THRESHOLD = (20000, 20, 20)
"""A request creates thousands of objects that live until its end; with Python's 2000 they are scanned repeatedly."""
_ALL = "the rest"
"""Stands for the workers that are not registered yet."""


class Process:
    """A runner's process. Only the main thread calls `run`; all other methods may be called from any thread."""

    def __init__(self, name: str, stop_seconds: float = STOP_SECONDS) -> None:
        self.name = name
        self._stop_seconds = stop_seconds
        self.health = Health()
        self.health.expect(_ALL)
        self._ended = threading.Event()
        self._status = 0
        self._servers: list[Server] = []
        self._drains: list[tuple[str, Callable[[], object]]] = []
        self._stops: list[tuple[str, Callable[[], object]]] = []
        threading.Thread(target=self._end_with_main, name="main's end", daemon=True).start()

    def serve(self, application: Application, socket: str, path: str, threads: int) -> None:
        """Listen on a unix socket and serve `application` below `path` (no slashes; empty for the root).

        What is below a path is an API of OpenStack's: its changing requests go to the audit log.
        """
        if path:
            application = Audit(application, self.name, AuditLog())
        server = Server(Mount(application, path, self.health), socket, threads)
        server.prepare()
        self._servers.append(server)
        self.thread(f"serve {socket}", server.serve)
        LOG.info("%s serves /%s on %s", self.name, path, socket)

    def thread(self, name: str, body: Callable[[], object]) -> None:
        """Run `body` in a thread that must not end before the process does."""

        def run() -> None:
            try:
                body()
            except BaseException:
                LOG.exception("%s failed", name)
                self.fail(f"{name} failed")
            else:
                if not self._ended.is_set():
                    self.fail(f"{name} ended by itself")

        threading.Thread(target=run, name=name, daemon=True).start()

    def worker(
        self,
        name: str,
        start: Callable[[], object],
        stop: Callable[[], object] | None = None,
        *,
        drain: Callable[[], object] | None = None,
        retry: bool = True,
    ) -> None:
        """Start a worker in a thread of its own: `start` returns when the worker runs.

        With `retry`, a failed start is retried until START_SECONDS have passed: another service may not be up yet.
        When the process stops, it first calls each `drain`, in the order in which the workers started, while the
        API still serves (work in progress may need it); then it stops the API; then it calls each `stop`, in
        reverse order.
        """
        self.health.expect(name)

        def run() -> None:
            deadline = time.monotonic() + START_SECONDS
            while not self._ended.is_set():
                try:
                    start()
                except Exception as error:
                    if not retry or time.monotonic() > deadline:
                        LOG.exception("%s cannot be started", name)
                        self.fail(f"{name} cannot be started")
                        return
                    LOG.warning("%s not started yet (%s: %s)", name, type(error).__name__, error)
                    self._ended.wait(RETRY_SECONDS)
                except BaseException as error:
                    LOG.exception("%s cannot be started", name)
                    self.fail(f"{name} cannot be started ({type(error).__name__})")
                    return
                else:
                    if drain is not None:
                        self._drains.append((name, drain))
                    if stop is not None:
                        self._stops.append((name, stop))
                    self.health.up(name)
                    LOG.info("%s started", name)
                    return

        threading.Thread(target=run, name=f"start {name}", daemon=True).start()

    def at_end(self, name: str, stop: Callable[[], object]) -> None:
        """Call `stop` when the process stops."""
        self._stops.append((name, stop))

    def wait(self, seconds: float) -> bool:
        """Wait for this time, or until the process is to stop; returns whether it is to stop."""
        return self._ended.wait(seconds)

    def fail(self, reason: str) -> None:
        """Stop the process with exit status 1."""
        LOG.error("%s ends: %s", self.name, reason)
        self._status = 1
        self._ended.set()

    def run(self) -> None:
        """Wait for a signal or a failure, then stop the process. Does not return."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._on_signal)
        # Nova opens guests' consoles. The first one becomes the session leader's controlling terminal, and when that
        # guest ends, the kernel sends SIGHUP. A handler, since child processes would inherit SIG_IGN.
        signal.signal(signal.SIGHUP, lambda number, frame: None)
        sys.unraisablehook = _unraisable
        _after_imports()
        self.health.up(_ALL)
        # The kernel may deliver a second signal to another thread, which does not wake this one; and Python runs the
        # handler only in this one.
        settled = False
        while not self._ended.wait(1.0):
            if not settled and not self.health.waiting:
                # Workers have imported more while they started; what was frozen is not scanned again.
                settled = True
                _after_imports()
        status = self._status
        # Not an ordinary exit: threads that wait in a library would block it for ever.
        ending = threading.Thread(target=self._stop, name="stop", daemon=True)
        ending.start()
        ending.join(self._stop_seconds)
        if ending.is_alive():
            LOG.warning("%s: not everything ended within %s seconds", self.name, self._stop_seconds)
        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)

    def _end_with_main(self) -> None:
        """End the process if the main thread fails before `run`: other threads would keep it running, half
        started."""
        threading.main_thread().join()
        LOG.error("%s ends: it failed while it started", self.name)
        logging.shutdown()
        os._exit(1)

    def _on_signal(self, number: int, frame: object) -> None:
        self._ended.set()

    def _stop(self) -> None:
        for name, drain in self._drains:
            self._attempt(name, drain)
        for server in self._servers:
            self._attempt("API", server.stop)
        for name, stop in reversed(self._stops):
            self._attempt(name, stop)
        LOG.info("%s ended", self.name)

    @staticmethod
    def _attempt(name: str, stop: Callable[[], object]) -> None:
        try:
            stop()
        except Exception:
            LOG.exception("%s did not stop in order", name)


def _after_imports() -> None:
    """Exempt all present objects from garbage collection, since loaded modules stay; return unused memory to the
    system."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _unraisable(what: sys.UnraisableHookArgs) -> None:
    """Log a client's disconnect during a response (an OSError) at level debug, anything else as an error."""
    level = logging.DEBUG if isinstance(what.exc_value, OSError) else logging.ERROR
    LOG.log(level, "%s: %r", what.err_msg or "exception ignored", what.object, exc_info=what.exc_value)
