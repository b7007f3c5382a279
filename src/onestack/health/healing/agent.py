"""The lease agent of a compute host, a process under supervisord.

It renews the host's lease. Where it cannot, and the spec lets a lease's expiry be proof, it ends the host's guests
before anybody may start them elsewhere; also where the host is marked as fenced. One thread does nothing but look at
the clock, so that an etcd that hangs delays nothing; after all processes were stopped for a while, it looks first.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import ssl
import sys
import threading

from onestack.core.errors import OneStackError
from onestack.core.paths import Paths
from onestack.core.wait import until
from onestack.health.healing import ended, peers
from onestack.health.healing.lease import RENEW, RETRY, Lease, rules
from onestack.host import processes
from onestack.platform import host_tls, layout, site
from onestack.platform.infrastructure import etcd, libvirt
from onestack.platform.infrastructure.lease import (
    FENCED,
    LEFT,
    SERVING,
    STARTING,
    boot,
    now,
    read,
    state_file,
)
from onestack.platform.places import LEASE_PORT
from onestack.platform.readiness import is_ready
from onestack.platform.site import Site

LOG = logging.getLogger("onestack.lease")
LOOK = 0.2
"""Seconds between two looks at the clock."""
PEERS = 1.0
"""Seconds between two questions to the peers, while the lease cannot be renewed."""
GUESTS = 3.0
"""Seconds between two looks at the guests."""
COMPUTE = "nova"
"""The process with nova-compute."""


class Agent:
    """The agent of this host."""

    def __init__(self, found: Site) -> None:
        healing = found.view.cloud.healing
        assert healing is not None, "this cloud has no healing"
        self._site, self._node, self._healing = found, found.here, healing
        self._boot = boot()
        self._stop = threading.Event()
        self._changing = threading.Lock()
        self._computes = [each for each in found.view.hosts if "compute" in each.roles]
        self.state = STARTING
        self.lease = Lease(now())
        self._rules = rules(healing.by_lease, healing.share, (each.name for each in self._computes))
        self._compute, self._ready = "", False
        self._ended: tuple[str, ...] = ()
        self._stopped_libvirt = False
        kept = read(found.paths)
        if kept.get("boot") == self._boot and kept.get("state") == SERVING:
            # It goes on where an agent before it ended: guests run.
            self.state, self.lease = SERVING, Lease(float(kept["renewed"]))
        elif kept.get("boot") == self._boot and kept.get("state") == FENCED:
            self.state, self._stopped_libvirt = FENCED, True

    def run(self) -> None:
        """Watch until SIGTERM."""
        self.look()
        with contextlib.suppress(OSError):
            # A busy host is no lost host.
            os.nice(-15)
        for body in (self._renewing, self._asking, self._observing, self._watching_guests):
            threading.Thread(target=body, name=body.__name__, daemon=True).start()
        context = host_tls.server(self._node)
        peers.Server(self._site.here.address, LEASE_PORT, context, self._node.network, self.answer)
        with contextlib.suppress(OSError):
            # This thread's turn comes before those of guests, where the kernel lets it.
            os.sched_setscheduler(0, os.SCHED_FIFO | os.SCHED_RESET_ON_FORK, os.sched_param(1))
        while not self._stop.wait(LOOK):
            self.look()
        self._leave()

    def stop(self) -> None:
        """Have `run` end."""
        self._stop.set()

    def _leave(self) -> None:
        """Have it known that the host is not lost: it was stopped in order."""
        with self._changing:
            if self.state != SERVING:
                return
            self.state = LEFT
        client = etcd.client(self._site, etcd.host_user(self._node.name))
        try:
            client.put(f"{etcd.HOSTS}{self._node.name}", json.dumps(self.record()))
        except OneStackError as error:
            LOG.warning("cannot say that this host leaves: %s", error)
            return
        self._keep()

    def look(self) -> None:
        """End the guests if the time has come, and as long as the host is fenced."""
        if self._overdue(now()):
            LOG.error("no renewal for %.1f s: this host's guests are ended", now() - self.lease.renewed)
            self.fence()
        elif self.state == FENCED:
            self._kill()

    def _overdue(self, at: float) -> bool:
        return self.state == SERVING and self._healing.by_lease and self.lease.expired(at)

    def fence(self) -> None:
        """End this host's guests, and start none until the healer lets it."""
        self._kill()
        with self._changing:
            self.state = FENCED
        try:
            program = self._node.supervisor.program(libvirt.NAME)
            self._stopped_libvirt = self._stopped_libvirt or (program is not None and program.pid > 0)
            # Without libvirtd nothing starts a guest. A control host's process has Nova's API, too.
            self._node.supervisor.stop(libvirt.NAME, wait=False)
            if not self._site.view.control:
                self._node.supervisor.stop(COMPUTE, wait=False)
        except OneStackError:
            LOG.exception("libvirtd could not be stopped")
        self._kill()
        self._keep()

    def _kill(self) -> None:
        for guest in self._guests():
            with contextlib.suppress(ProcessLookupError):
                os.kill(guest, signal.SIGKILL)
                LOG.warning("guest process %d was ended", guest)

    def _guests(self) -> list[int]:
        return [each.pid for each in processes.inside(self._site.paths.run) if each.is_guest]

    def answer(self) -> dict[str, object]:
        """For peers and control hosts."""
        return {"age": now() - self.lease.renewed, "state": self._said()}

    def _said(self) -> str:
        """The state, but fenced only once no guest and no libvirtd is left."""
        if self.state != FENCED:
            return self.state
        program = self._node.supervisor.program(libvirt.NAME)
        stopped = program is None or program.pid == 0
        return FENCED if stopped and not self._guests() else "fencing"

    def record(self) -> dict[str, object]:
        """What is in the lease: the state, and which nova-compute runs, if it is ready."""
        return {
            "state": self._said(),
            "boot": self._boot,
            "compute": self._compute,
            "ready": self._ready,
            "rules": self._rules,
            "ended": self._ended,
        }

    def _observing(self) -> None:
        """Which nova-compute runs, and whether it answers: it may hang, and must not delay a renewal."""
        nova = next(each for each in layout.processes(self._site.view) if each.name == COMPUTE)
        while not self._stop.wait(RENEW / 2):
            try:
                program = self._node.supervisor.program(COMPUTE)
                runs = program is not None and program.pid > 0
                ready = runs and is_ready(self._node, nova.ready)[0]
            except OneStackError:
                program, runs, ready = None, False, False
            named = f"{self._boot}/{program.pid}/{program.since:.0f}" if program and runs else ""
            if named != self._compute:
                self._ready = False
            self._compute, self._ready = named, ready

    def _watching_guests(self) -> None:
        """Which guests ended without anybody wanting it. libvirtd may hang, and must not delay a renewal."""
        while not self._stop.wait(GUESTS):
            try:
                program = self._node.supervisor.program(libvirt.NAME)
                runs = self.state == SERVING and program is not None and program.pid > 0
                self._ended = ended.look(self._node) if runs else ()
            except OneStackError as error:
                LOG.info("libvirtd does not say how guests are: %s", error)
                self._ended = ()

    def _renewing(self) -> None:
        client = etcd.client(self._site, etcd.host_user(self._node.name))
        name, problem = self._node.name, ""
        while not self._stop.is_set():
            record = json.dumps(self.record())
            sent, pause = now(), RETRY
            if self._overdue(sent):
                # The guests end first, whatever etcd would say now.
                self._stop.wait(LOOK)
                continue
            try:
                client.put(f"{etcd.HOSTS}{name}", record)
                self.lease.renew(sent)
                marked = client.get(f"{etcd.MARKS}{name}") is not None
                self._renewed(marked)
                pause, problem = RENEW, ""
            except OneStackError as error:
                if str(error) != problem:
                    LOG.warning("the lease could not be renewed: %s", error)
                problem = str(error)
            except Exception:
                LOG.exception("the lease could not be renewed")
            self._stop.wait(max(RETRY, pause - (now() - sent)))

    def _renewed(self, marked: bool) -> None:
        if self._stop.is_set():
            return
        if marked and self.state in (SERVING, STARTING):
            LOG.error("this host is marked as fenced: it runs no guests until the mark is gone")
            self.fence()
        elif not marked and self.state == FENCED and not self.lease.in_trouble(now()):
            self._serve_again()
        elif not marked and self.state == STARTING:
            with self._changing:
                self.state = SERVING
        self._keep()

    def _serve_again(self) -> None:
        """After a fence: a new nova-compute destroys what was evacuated, then resumes what was not."""
        LOG.warning("this host may run guests again")
        with self._changing:
            self.state = SERVING
        self._keep()
        if self._stopped_libvirt:
            self._stopped_libvirt = False
            threading.Thread(target=self._start_compute, name="starting", daemon=True).start()

    def _start_compute(self) -> None:
        """Start libvirtd and nova-compute, again and again while this host may serve: nobody else does."""
        while self.state == SERVING and not self._stop.is_set():
            try:
                self._start_both()
                return
            except OneStackError:
                LOG.exception("nova-compute could not be started")
            self._stop.wait(RENEW)

    def _start_both(self) -> None:
        libvirtd = next(each for each in layout.processes(self._site.view) if each.name == libvirt.NAME)
        supervisor = self._node.supervisor
        # `fence` has stopped both, and did not wait.
        supervisor.stop(COMPUTE)
        supervisor.stop(libvirt.NAME)
        supervisor.launch(libvirt.NAME)
        until(
            "libvirtd to be ready",
            lambda: is_ready(self._node, libvirtd.ready),
            seconds=60,
            every=0.2,
            where=self._node.log(libvirt.NAME),
        )
        if self.state == SERVING:
            supervisor.launch(COMPUTE)

    def _asking(self) -> None:
        """While the lease cannot be renewed: is it this host, or etcd?"""
        if not self._healing.by_lease:
            return
        context: ssl.SSLContext = host_tls.client(self._node)
        others = [each for each in self._computes if each.name != self._node.name]
        while not self._stop.wait(PEERS):
            asked = now()
            if self.state != SERVING or not self.lease.in_trouble(asked):
                continue
            ages = peers.ages(others, LEASE_PORT, context, self._node.network)
            before = self.lease.hold_until
            self.lease.heard(asked, ages, len(self._computes), self._healing.share)
            if self.lease.hold_until > asked > before:
                LOG.warning("peers cannot renew either: guests go on (%s)", ages)

    def _keep(self) -> None:
        text = json.dumps({"state": self.state, "boot": self._boot, "renewed": self.lease.renewed})
        file = state_file(self._site.paths)
        partial = file.with_suffix(f".{threading.get_ident()}")
        partial.write_text(text)
        partial.rename(file)


def main(root: str, cache: str) -> None:
    """Run the agent of this host's part of the cloud under `root`."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    agent = Agent(site.load(Paths.at(root, cache)))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: agent.stop())
    agent.run()


if __name__ == "__main__":
    main(*sys.argv[1:3])
