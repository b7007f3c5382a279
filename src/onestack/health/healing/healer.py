"""The healer, a process of each control host under supervisord: it sees that hosts are lost, and has their guests
serve elsewhere.

All of them watch, one acts: who holds a key in etcd, which it writes anew each second; another one takes it once it
has not changed for `ACT` seconds. A healer that could not renew it does nothing more. What is under way is in the
fence marks, so that another one goes on with it.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from onestack.core.errors import OneStackError
from onestack.core.paths import Paths
from onestack.health.healing import history
from onestack.health.healing.decide import Judgement, Watch
from onestack.health.healing.history import Event
from onestack.health.healing.job import Job, Mark
from onestack.health.healing.lease import ACT, ACT_BY_FENCE, EXPIRES, rules
from onestack.health.healing.restart import Due, Schedule, outcome
from onestack.host import lock
from onestack.host.files import replace_file
from onestack.platform import site
from onestack.platform.infrastructure import etcd
from onestack.platform.infrastructure.lease import SERVING, healer_file, now
from onestack.platform.keyvalue import Kept, KeyValue
from onestack.platform.site import Site

LOG = logging.getLogger("onestack.healer")
PERIOD = 1.0
"""Seconds between two readings."""
AGAIN = 30.0
"""Seconds until a host that could not be proved off is tried again."""
RESTARTS = 4
"""How many guests are started again at the same time."""
ACTING, REQUESTS, RETURNING = "/healer", "/requests/", "/returning/"
"""Keys: who acts; what an operator wants of a host; hosts that serve again once their nova-compute is a new one."""


class Acting:
    """Whether this healer acts. `me`: this host's name: supervisord runs one healer on it."""

    def __init__(self, me: str) -> None:
        self.me = me
        self._until = 0.0
        self._other: tuple[int, float] | None = None

    def valid(self) -> bool:
        """Whether it may go on with what it began."""
        return now() < self._until

    def take(self, client: KeyValue, began: float) -> bool:
        """Renew the key, or take it where its holder is silent. Raises OneStackError."""
        kept = client.get(ACTING)
        if kept is not None and kept.value != self.me:
            if self._other is None or self._other[0] != kept.revision:
                self._other = (kept.revision, began)
            if began - self._other[1] < ACT:
                self._until = 0.0
                return False
        if not client.put_if(ACTING, self.me, {ACTING: kept.revision if kept else 0}):
            self._until = 0.0
            return False
        self._other, self._until = None, began + EXPIRES
        return True


class Healer:
    """The healer of this control host."""

    def __init__(self, found: Site) -> None:
        healing = found.view.cloud.healing
        assert healing is not None, "this cloud has no healing"
        self._site = found
        self._client = etcd.client(found, etcd.HEALER)
        names = [each.name for each in found.view.hosts if "compute" in each.roles]
        self.watch = Watch(names, healing.share)
        self._rules = rules(healing.by_lease, healing.share, names)
        self._acting = Acting(found.here.name)
        self._jobs: dict[str, Job] = {}
        self._again: dict[str, float] = {}
        self._resumed: dict[str, float] = {}
        self._problem = ""
        self._restraint: Event | None = None
        self._fences = {each.name: each.fence for each in found.spec.hosts if each.fence is not None}
        self._stop = threading.Event()
        self._supervisor = os.getppid()
        self._schedule = Schedule()
        self._restarting: set[str] = set()
        self._restarts = ThreadPoolExecutor(RESTARTS, thread_name_prefix="restart")

    def stop(self) -> None:
        self._stop.set()

    def run(self) -> None:
        """Watch until SIGTERM, or until the supervisor that started this process is gone."""
        while not self._stop.wait(PERIOD) and os.getppid() == self._supervisor:
            try:
                self.cycle()
                self._problem = ""
            except OneStackError as error:
                if str(error) != self._problem:
                    LOG.warning("%s", error)
                self._problem = str(error)
            except Exception:
                LOG.exception("a reading failed")

    def cycle(self) -> None:
        """Read once, and do what follows. Raises OneStackError."""
        began = now()
        leases, marked = self._client.below(etcd.HOSTS), self._client.below(etcd.MARKS)
        acts = self._acting.take(self._client, began)
        at = now()
        self.watch.observe(at, leases)
        marks = {name: Mark.of(kept.value) for name, kept in marked.items()}
        judged = self.watch.judge(at, marks)
        self._write(judged, marks, acts)
        if not acts:
            return
        self._jobs = {name: job for name, job in self._jobs.items() if job.is_alive()}
        self._restrain(judged)
        self._requests(marks)
        self._return(at, marks)
        self._resume(at, marks)
        self._heal(judged, at)
        self._restart(judged, marks, at)

    def _write(self, judged: Judgement, marks: dict[str, Mark], acts: bool) -> None:
        found = {
            "time": time.time(),
            "acts": acts,
            "suspects": judged.suspects,
            "restrained": judged.restrained,
            "fenced": sorted(marks),
            "working": sorted(self._jobs),
            "hosts": {
                name: {"state": seen.record.state, "silent": round(at, 1)}
                for name, seen in self.watch.seen.items()
                if (at := self.watch.silence(name, now())) is not None
            },
        }
        replace_file(healer_file(self._site.paths), json.dumps(found))

    def _restrain(self, judged: Judgement) -> None:
        """Write down from when to when nothing was done because too many hosts look lost."""
        if judged.restrained and self._restraint is None:
            LOG.error("too many hosts look lost for healing: %s", ", ".join(judged.suspects))
            self._restraint = self.event(", ".join(judged.suspects), "restraint")
            lost, hosts = len(judged.suspects), len(self.watch.names)
            self._restraint.outcome = f"{lost} of {hosts} compute hosts look lost: nothing is evacuated"
            history.save(self._client, self._restraint)
        elif not judged.restrained and self._restraint is not None:
            self._restraint.ended = time.time()
            history.save(self._client, self._restraint)
            self._restraint = None

    def event(self, host: str, kind: str) -> Event:
        began = time.time()
        name = host.partition(",")[0]
        return Event(f"{began:.3f}-{name}", host, kind, self._site.here.name, round(began, 3))

    def _heal(self, judged: Judgement, at: float) -> None:
        ready = {*judged.lost, *(name for name in judged.by_fence if name in self._fences)}
        for name in sorted(ready - self._jobs.keys()):
            if at < self._again.get(name, 0.0) or lock.is_held(self._site.paths.lock):
                continue
            self._again[name] = at + (AGAIN if name in judged.lost else ACT - ACT_BY_FENCE + 1)
            event = self.event(name, "lost")
            event.silent = round(self.watch.silence(name, at) or 0.0, 1)
            seen = self.watch.seen[name]
            mark = Mark(event.ident, "", seen.record.compute)
            by_lease = name in judged.lost and self._rules != "" and seen.record.rules == self._rules
            self._begin(name, event, mark, seen.revision, by_lease)

    def _requests(self, marks: dict[str, Mark]) -> None:
        for name, kept in self._client.below(REQUESTS).items():
            if name in self._jobs:
                continue
            wanted = json.loads(kept.value)
            if wanted["kind"] == "unfence":
                if name in marks:
                    self._keep_mark(name, marks[name].lifted())
            elif name in self.watch.names and name not in marks:
                event, seen = self.event(name, "fence"), self.watch.seen.get(name)
                mark = Mark(event.ident, "", seen.record.compute if seen else "", ordered=True)
                self._begin(
                    name, event, mark, seen.revision if seen else 0, False, str(wanted.get("proof", ""))
                )
            self._client.delete(f"{REQUESTS}{name}")

    def _resume(self, at: float, marks: dict[str, Mark]) -> None:
        """Go on with what another healer, or this one before it was restarted, began; and with what failed."""
        for name, mark in marks.items():
            if not mark.done and name not in self._jobs and at >= self._resumed.get(name, 0.0):
                self._resumed[name] = at + ACT
                found = history.load(self._client, name)
                event = next((each for each in found if each.ident == mark.event), self.event(name, "lost"))
                self._begin(name, event, mark, 0, False)

    def _restart(self, judged: Judgement, marks: dict[str, Mark], at: float) -> None:
        """Have guests started again whose process ended on a host that serves."""
        if judged.restrained or lock.is_held(self._site.paths.lock):
            return
        returning = self._client.below(RETURNING)
        ended = {
            ident: name
            for name, seen in self.watch.seen.items()
            if name not in marks and name not in returning and self.watch.is_fresh(name, at)
            if seen.record.state == SERVING and seen.record.ready
            for ident in seen.record.ended
        }
        for due in self._schedule.observe(at, ended):
            if due.ident not in self._restarting:
                self._schedule.tried(at, due.ident)
                self._restarting.add(due.ident)
                self._restarts.submit(self._restart_one, due)

    def _restart_one(self, due: Due) -> None:
        event = self.event(due.host, "restart")
        event.ident = f"{event.began:.3f}-{due.ident}"
        client, done = etcd.client(self._site, etcd.HEALER), None
        try:
            if not self._acting.valid() or (done := outcome(Job.restart(self._site), due)) is None:
                return
            LOG.warning("%s: %s", due.host, done.words)
            event.outcome, event.ended = done.words, time.time()
            history.save(client, event)
        except Exception:
            LOG.exception("%s: a guest could not be started again", due.host)
        finally:
            client.end()
            self._schedule.ended(now(), due.ident, done)
            self._restarting.discard(due.ident)

    def _begin(
        self, name: str, event: Event, mark: Mark, revision: int, by_lease: bool, word: str = ""
    ) -> None:
        LOG.warning("%s: %s (%s)", name, event.kind, event.ident)
        if mark.ordered and not mark.proof:
            history.save(self._client, event)
        fence = self._fences.get(name)
        job = Job(self._site, name, event, mark, revision, self._acting.valid, fence, by_lease, word)
        self._jobs[name] = job
        job.start()

    def _return(self, at: float, marks: dict[str, Mark]) -> None:
        """Let hosts that renew their leases again come back: first they may run nova-compute, which destroys what was
        evacuated; once that is ready, Nova takes them for up."""
        for name, mark in marks.items():
            if mark.done and not mark.ordered and self.watch.is_fresh(name, at) and name not in self._jobs:
                self._client.put(f"{RETURNING}{name}", mark.text())
                self._client.delete(f"{etcd.MARKS}{name}")
                LOG.warning("%s may come back", name)
        for name, kept in self._client.below(RETURNING).items():
            seen = self.watch.seen.get(name)
            if name in marks or seen is None or not self.watch.is_fresh(name, at):
                continue
            mark = Mark.of(kept.value)
            new = seen.record.compute not in ("", mark.compute)
            if seen.record.state == SERVING and seen.record.ready and new:
                self._lift(name, mark, kept)

    def _lift(self, name: str, mark: Mark, kept: Kept) -> None:
        Job.nova(self._site).force_down(name, False)
        self._client.delete(f"{RETURNING}{name}")
        LOG.warning("%s serves again", name)
        at = time.time()
        history.change(self._client, mark.event, lambda event: setattr(event, "returned", at))

    def _keep_mark(self, name: str, mark: Mark) -> None:
        self._client.put(f"{etcd.MARKS}{name}", mark.text())


def main(root: str, cache: str) -> None:
    """Run the healer of the cloud under `root` until SIGTERM."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    healer = Healer(site.load(Paths.at(root, cache)))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: healer.stop())
    healer.run()


if __name__ == "__main__":
    main(*sys.argv[1:3])
