"""What an operator asks of an upgrade: check, do it, how far it is, make it final, go back."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace

from onestack.core.errors import BadInput, OneStackError, PermanentError
from onestack.core.events import Emit, Event, silent
from onestack.core.paths import Paths
from onestack.health.upgrade import check, journal, pair, reads, steps
from onestack.health.upgrade.check import Plan
from onestack.health.upgrade.journal import Journal
from onestack.host import exchange, namespace
from onestack.host.lock import held
from onestack.platform import site
from onestack.platform.site import Site

PACKAGES, SNAPSHOT = "packages", "snapshot"
"""The ways back: the data as they are, or as they were."""


class Upgrading:
    """The upgrade of the cloud under `paths`."""

    def __init__(self, paths: Paths) -> None:
        self._paths = paths

    def status(self) -> Journal | None:
        """The upgrade that is not final yet. Raises BadInput where there is no cloud, PermanentError."""
        site.load(self._paths)
        return journal.load(self._paths)

    def check(self, newer: str) -> Plan:
        """What an upgrade would do, and what stops it. Changes nothing. Raises BadInput, PermanentError."""
        found = site.load(self._paths)
        self._require_none(newer)
        return check.examine(found, newer)

    def upgrade(self, newer: str, *, emit: Emit = silent, wait: float = 0.0) -> Journal:
        """Upgrade, or go on with an upgrade that was cut off. Where a step fails, the cloud is brought back.

        Raises BadInput, Busy, PermanentError; the former release serves then.
        """
        with self._held(wait):
            found = site.load(self._paths)
            known = journal.load(self._paths)
            if known is None:
                self._begin(check.examine(found, newer))
            elif known.direction == "back" or known.newer != newer or known.next is None:
                self._require_none(newer)
            else:
                self._require_running(found)
                emit(Event("upgrade", "noted", f"an upgrade to {newer} was {known.state}: it goes on"))
            return self._forward(emit)

    def commit(self, *, emit: Emit = silent, wait: float = 0.0) -> Journal:
        """Complete the migrations and forget the way back. Raises BadInput, Busy, PermanentError."""
        with self._held(wait):
            known = self._required()
            if known.direction == "back" or known.next:
                raise BadInput(
                    f"the upgrade to {known.newer} is {known.state}",
                    hint="`onestack upgrade` goes on with it, or `onestack upgrade rollback` goes back",
                )
            found = site.load(self._paths)
            self._require_running(found)
            steps.finish(found, emit)
            steps.forget(self._paths)
            return known

    def rollback(self, *, restore: bool = False, emit: Emit = silent, wait: float = 0.0) -> Journal:
        """Go back to the former release, or go on with that.

        `restore`: with the databases of before, where the former release cannot have what was made since; all that
        was made since is lost then. Raises BadInput, Busy, PermanentError.
        """
        with self._held(wait):
            known = self._required()
            if not known.switched and known.direction == "forward":
                self._undo()
                return known.turned("", PACKAGES)
            self._require_running(site.load(self._paths))
            if known.direction == "forward":
                reasons = self._in_the_way(known)
                if reasons and not restore:
                    raise BadInput(
                        f"{known.older} cannot have all that is there now",
                        detail="\n".join(reasons),
                        hint="remove that; or `--restore`: the databases of before the upgrade, without all that was "
                        "made since",
                    )
                known = self._turn(known, "", SNAPSHOT if restore else PACKAGES)
            return self._back(known, emit)

    def _begin(self, plan: Plan) -> None:
        if plan.stops:
            raise BadInput(
                f"the upgrade to {plan.newer} cannot be done now",
                detail="\n".join(plan.stops),
                hint="`onestack upgrade --check` shows the same",
            )
        journal.save(self._paths, Journal(plan.older, plan.newer))

    def _forward(self, emit: Emit) -> Journal:
        known = self._required()
        actions: Mapping[str, Callable[[Site], object]] = {
            "fetch": lambda found: steps.get(found, known.newer, emit),
            "snapshot": lambda found: steps.snapshot(found, emit),
            "expand": lambda found: steps.expand(found, emit),
            "switch": lambda found: steps.switch(found, journal.AFTER, known.newer, emit),
            "exchange": lambda found: steps.replace_processes(found, emit),
            "read": lambda found: reads.check(found, self._seen(), emit),
        }
        try:
            return self._walk(known, actions)
        except (OneStackError, OSError) as error:
            known = self._required()
            if not known.switched:
                self._undo()
                raise PermanentError(
                    f"the upgrade failed before {known.newer} was started: {known.older} serves on",
                    detail=_words(error),
                    hint="mend the cause, and run it again",
                ) from error
            emit(Event("upgrade", "noted", f"it failed ({error}): the cloud goes back to {known.older}"))
            by = SNAPSHOT if self._in_the_way(known) else PACKAGES
            self._back(self._turn(known, str(error), by), emit)
            raise PermanentError(
                f"the upgrade failed, and the cloud is back on {known.older}",
                detail=_words(error),
                hint="`onestack logs` of the service that failed; mend the cause, and run it again",
            ) from error

    def _back(self, known: Journal, emit: Emit) -> Journal:
        back = pair.of(known.older, known.newer)

        def processes(found: Site) -> None:
            if known.by == SNAPSHOT:
                steps.restore(found, emit)
                # None runs: they start in the order in which they need each other, and nothing is left to set back.
                steps.replace_processes(found, emit)
            else:
                steps.replace_processes(found, emit, back)

        actions: Mapping[str, Callable[[Site], object]] = {
            "switch back": lambda found: steps.switch(found, journal.BEFORE, known.older, emit),
            "exchange back": processes,
            "read back": lambda found: reads.check(found, self._seen(), emit),
        }
        ended = self._walk(known, actions)
        if known.by == SNAPSHOT:
            for each in steps.strangers(site.load(self._paths)):
                emit(Event("rollback", "noted", each))
        steps.forget(self._paths)
        return ended

    def _walk(self, known: Journal, actions: Mapping[str, Callable[[Site], object]]) -> Journal:
        while (name := known.next) is not None:
            actions[name](site.load(self._paths))
            known = journal.save(self._paths, known.with_done(name))
        return journal.save(self._paths, replace(known, ended=time.time()))

    def _turn(self, known: Journal, why: str, by: str) -> Journal:
        return journal.save(self._paths, known.turned(why, by))

    def _undo(self) -> None:
        """Forget an upgrade that has not replaced anything. What was added to the databases does no harm."""
        namespace.remove_tree(self._paths, exchange.NEXT)
        steps.forget(self._paths)

    def _in_the_way(self, known: Journal) -> list[str]:
        """Why the older release cannot have the data as they are, in words."""
        found = pair.of(known.older, known.newer)
        if not found.additive:
            return [f"{known.older} does not work with the databases of {known.newer}"]
        return pair.stopping(found.stops_back, lambda sql: steps.query(site.load(self._paths).leader, sql))

    def _seen(self) -> dict[str, list[str]]:
        file = journal.kept(self._paths, journal.BEFORE, steps.SEEN)
        return dict(json.loads(file.read_text()))

    def _require_none(self, newer: str) -> None:
        known = journal.load(self._paths)
        if known is None:
            return
        if known.direction == "back":
            raise BadInput(
                f"the cloud is {known.state}", hint="`onestack upgrade rollback` goes on with that"
            )
        if known.next is None:
            raise BadInput(
                f"the upgrade to {known.newer} waits for its end",
                hint="`onestack upgrade commit` makes it final, `onestack upgrade rollback` goes back",
            )
        if known.newer != newer:
            raise BadInput(
                f"an upgrade to {known.newer} is {known.state}",
                hint=f"`onestack upgrade --to {known.newer}` goes on with it, `rollback` goes back",
            )

    @staticmethod
    def _require_running(found: Site) -> None:
        if found.here.supervisor.pid is None:
            raise BadInput("the cloud does not run", hint="`onestack up` brings it back; then run this again")

    def _required(self) -> Journal:
        site.load(self._paths)
        known = journal.load(self._paths)
        if known is None:
            raise BadInput(
                "there is no upgrade that is not final",
                hint="`onestack upgrade --to RELEASE` begins one; after `commit` only a backup goes back",
            )
        return known

    def _held(self, wait: float) -> AbstractContextManager[None]:
        return held(self._paths.lock, "onestack upgrade", seconds=wait)


def _words(error: BaseException) -> str:
    detail = getattr(error, "detail", "")
    return f"{error}\n{detail}" if detail else str(error)
