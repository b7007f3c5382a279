"""What is done about one host that is lost, or is to be fenced: proof, fence mark, evacuation. One thread each."""

from __future__ import annotations

import contextlib
import json
import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import TypeVar

from keystoneauth1.exceptions import ClientException
from openstack.connection import Connection
from openstack.exceptions import SDKException

from onestack.core.errors import OneStackError, PermanentError, Unready
from onestack.core.wait import until
from onestack.health.healing import evacuation, fencing, history, peers
from onestack.health.healing.answering import Answers, Cloud, entry
from onestack.health.healing.evacuation import Guest, Nova
from onestack.health.healing.history import Event
from onestack.health.healing.lease import EXPIRES
from onestack.health.healing.restart import Restart
from onestack.platform import connect, host_tls
from onestack.platform.infrastructure import etcd
from onestack.platform.infrastructure.lease import FENCED
from onestack.platform.places import LEASE_PORT
from onestack.platform.site import Site
from onestack.platform.view import HostView
from onestack.spec.healing import Fence

T = TypeVar("T")
LOG = logging.getLogger("onestack.healer")
LIBVIRT_PORT = 16514
API_SECONDS = 60.0
"""How long the APIs may be away: the address moves to another control host within some seconds."""


@dataclass(frozen=True)
class Mark:
    """A fence mark. `event`: why. `compute`: the host's nova-compute at that time. `ordered`: it stays until an
    operator lifts it. `done`: no evacuation is under way."""

    event: str
    proof: str = ""
    compute: str = ""
    ordered: bool = False
    done: bool = False

    def text(self) -> str:
        return json.dumps(asdict(self))

    def lifted(self) -> Mark:
        return replace(self, ordered=False)

    @classmethod
    def of(cls, text: str) -> Mark:
        return cls(**json.loads(text))


def _is_local(site: Site, backend: str) -> bool:
    """Whether a backend's volumes are files or logical volumes of one host."""
    return any(each.name == backend and each.ceph is None for each in site.view.cloud.volume_backends)


class Job(threading.Thread):
    """`revision`: of the host's lease when it was judged. `valid`: whether this healer acts still. `by_lease`:
    whether the lease has expired. `word`: an operator's proof."""

    def __init__(
        self,
        site: Site,
        host: str,
        event: Event,
        mark: Mark,
        revision: int,
        valid: Callable[[], bool],
        fence: Fence | None,
        by_lease: bool,
        word: str,
    ) -> None:
        super().__init__(name=f"heal {host}", daemon=True)
        self._site, self._host, self._event, self._mark = site, host, event, mark
        self._revision, self._valid, self._fence, self._word = revision, valid, fence, word
        healing = site.view.cloud.healing
        assert healing is not None
        self._at_once = healing.at_once
        self._by_lease = by_lease and healing.by_lease
        self._trusts_leases = healing.by_lease
        self._client = etcd.client(site, etcd.HEALER)
        self._said: str | None = None
        self._saving = threading.Lock()

    @staticmethod
    def nova(site: Site) -> Nova:
        """Nova as the administrator, on any control host."""
        elsewhere = site.view.cloud.ceph is not None
        return Nova(Job._admin(site), disks_elsewhere=elsewhere, is_local=partial(_is_local, site))

    @staticmethod
    def restart(site: Site) -> Restart:
        """What starts guests again."""
        return Restart(Job._admin(site), partial(_is_local, site))

    @staticmethod
    def _admin(site: Site) -> Connection:
        return connect.connection(site, password=site.view.cloud.secrets["user/admin"])

    @staticmethod
    def asking(site: Site) -> Cloud:
        """The cloud, as one asks whether guests answer."""
        return Cloud(Job._admin(site), "load-balancer" in site.spec.platform.services)

    def run(self) -> None:
        try:
            self._work()
        except (OneStackError, SDKException, ClientException) as error:
            self._end(f"failed: {error}")
        except Exception:
            LOG.exception("%s: healing failed", self._host)
            self._end("failed: see the healer's log")
        finally:
            self._client.end()

    def _work(self) -> None:
        nova = self.nova(self._site)
        resumed = bool(self._mark.proof)
        if not resumed:
            if self._mark.ordered:
                self._order()
            elif not self._is_lost(nova):
                return
            proof = self._proof()
            if not proof:
                return
            if not self._set_mark(proof):
                self._end("it renewed its lease meanwhile: nothing was done")
                return
        self._retried(lambda: nova.force_down(self._host, True))
        self._evacuate(nova)
        self._mark = replace(self._mark, done=True)
        self._client.put(f"{etcd.MARKS}{self._host}", self._mark.text())
        moved, failed, left = map(len, (self._event.moved, self._event.failed, self._event.left))
        self._end(f"{moved} guests moved, {failed} could not be moved, {left} stay until it returns")

    def _is_lost(self, nova: Nova) -> bool:
        """Whether nothing of the host answers, and there is something to do about it; else it is said why not."""
        view, context = self._view(), host_tls.client(self._site.here)
        # Beside each other: a lost host answers neither, and each question takes a second then.
        with ThreadPoolExecutor(1) as pool:
            libvirtd = pool.submit(peers.shakes_hands, view, LIBVIRT_PORT, context, self._site.here.network)
            self._said = said = self._ask()
        if said == "fencing":
            return False
        if said is not None and said != FENCED:
            self._end("its lease agent answers, and cannot renew the lease: it is not lost")
            return False
        if said is None and libvirtd.result():
            self._end("its lease agent does not answer, but libvirtd does: it is not lost")
            return False
        service = self._retried(lambda: nova.service(self._host))
        if service and service["status"] == "disabled" and not service["forced_down"]:
            self._end("it is drained or disabled: its guests are left to the operator")
            return False
        if not evacuation.in_order(self._retried(lambda: nova.guests(self._host))):
            self._end("it has no guests that are to be moved")
            return False
        return True

    def _view(self) -> HostView:
        return next(each for each in self._site.view.hosts if each.name == self._host)

    def _ask(self) -> str | None:
        """What the host's lease agent says of its state; None if it does not answer."""
        context = host_tls.client(self._site.here)
        said = peers.ask(self._view(), LEASE_PORT, context, self._site.here.network)
        return None if said is None else str(said.get("state"))

    def _order(self) -> None:
        """Have the host's own agent end its guests, where it hears of it."""
        self._client.put(f"{etcd.MARKS}{self._host}", self._mark.text())
        with contextlib.suppress(Unready):
            until(
                f"{self._host} to end its guests",
                lambda: (self._ask() == FENCED, "it does not say so"),
                seconds=EXPIRES * 2,
                every=0.5,
            )

    def _proof(self) -> str:
        """How it is known that the host's guests have ended; empty if it is not."""
        if self._word:
            return self._word
        if (self._ask() if self._mark.ordered else self._said) == FENCED:
            return "its lease agent says that its guests have ended"
        why = ["it has no fence agent"]
        if self._fence is not None and self._valid():
            try:
                return fencing.switch_off(self._fence)
            except PermanentError as error:
                LOG.warning("%s: %s", self._host, error)
                why = [str(error)]
        if self._by_lease:
            return "its lease has expired, before which its own agent ends its guests"
        if not self._trusts_leases:
            why.append("the spec does not let a lease be proof (platform.healing.proof)")
        else:
            why.append("its lease is no proof: it has not expired, or the host does not know today's rules")
        if self._mark.ordered:
            self._client.delete(f"{etcd.MARKS}{self._host}")
        self._end(f"not proved off, so nothing is evacuated: {'; '.join(why)}")
        return ""

    def _set_mark(self, proof: str) -> bool:
        """Have the host fenced. Where it is its lease that says so, only if that has not changed since."""
        self._mark = replace(self._mark, proof=proof)
        self._event.proof, self._event.fenced = proof, time.time()
        key = f"{etcd.MARKS}{self._host}"
        if self._mark.ordered:
            self._client.put(key, self._mark.text())
        else:
            # A host that was switched off may have renewed it just before.
            own = {} if proof.startswith("the fence agent") else {f"{etcd.HOSTS}{self._host}": self._revision}
            if not self._valid() or not self._client.put_if(key, self._mark.text(), {key: 0, **own}):
                return False
        self._save()
        return True

    def _evacuate(self, nova: Nova) -> None:
        guests = self._retried(lambda: nova.guests(self._host))
        left = [{**each.as_dict(), "why": each.stays} for each in guests if each.stays]
        self._event.left = left
        silent_since = self._event.began - self._event.silent
        answers = Answers(lambda: self.asking(self._site), self._answered)

        def said(guest: Guest, host: str, why: str) -> None:
            away = round(time.time() - silent_since, 1)
            if why:
                self._event.failed.append({**guest.as_dict(), "why": why})
                LOG.error("%s: %s could not be moved: %s", self._host, guest.name, why)
            else:
                more = {"to": host, "away": away, "answered": None, "seen": ""}
                self._event.moved.append({**guest.as_dict(), **more})
                answers.expect(guest)
                LOG.warning("%s: %s runs on %s, away for %.1f s", self._host, guest.name, host, away)
            self._save()

        self._event.failed = []
        answers.begin()
        try:
            evacuation.move_all(nova, guests, self._host, self._at_once, self._valid, said)
        finally:
            answers.end()
        if not self._valid():
            raise PermanentError("another healer acts now")

    def _answered(self, guest: Guest, answers: bool, words: str) -> None:
        """Write down that a guest was seen to answer, or why that is not known; perhaps long after the job's end."""
        seconds = round(time.time() - (self._event.began - self._event.silent), 1)
        LOG.warning("%s: %s %s", self._host, guest.name, f"answers: {words}" if answers else words)
        client = etcd.client(self._site, etcd.HEALER)

        def note(event: Event) -> None:
            if (found := entry(event.moved, guest.ident)) is not None:
                found.update(answered=seconds if answers else None, seen=words)

        try:
            with self._saving:
                note(self._event)
                history.change(client, self._event.ident, note)
        except OneStackError as error:
            LOG.error("%s: the history could not be written: %s", self._host, error)
        finally:
            client.end()

    def _retried(self, body: Callable[[], T]) -> T:
        """Call Nova, again while it does not answer: a control host may have been lost, too."""
        deadline = time.monotonic() + API_SECONDS
        while True:
            try:
                return body()
            except (SDKException, ClientException) as error:
                if time.monotonic() > deadline:
                    raise PermanentError(f"Nova does not answer: {error}") from error
                LOG.info("Nova does not answer: %s", error)
                time.sleep(0.5)

    def _save(self) -> None:
        with self._saving:
            history.save(self._client, self._event)

    def _end(self, outcome: str) -> None:
        """Write down how it ended; a try that changed nothing only once."""
        self._event.outcome, self._event.ended = outcome, time.time()
        LOG.warning("%s: %s", self._host, outcome)
        try:
            if not self._event.proof:
                before = history.load(self._client, self._host)
                if before and before[-1].outcome == outcome:
                    return
            self._save()
        except OneStackError as error:
            LOG.error("%s: the history could not be written: %s", self._host, error)
