"""Collects the status of processes on the cloud's other hosts, and compares the hosts' clocks."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import partial

from pydantic import TypeAdapter

from onestack.core.errors import OneStackError
from onestack.core.graph import Task, execute
from onestack.core.paths import Paths
from onestack.health.process_status import ProcessStatus
from onestack.platform.hosts import clocks, cluster
from onestack.platform.hosts.remote import RemoteHost

_PROCESSES = TypeAdapter(list[ProcessStatus])
_WORDS = TypeAdapter(list[str])
_CLOCK = TypeAdapter(float)


@dataclass(frozen=True)
class Elsewhere:
    """The processes on all other hosts. In words: `unreachable`: which hosts could not be asked and why; `late`:
    whose clocks differ; `watchers`: what is wrong with the keepers and exporters there; `warnings`: what else
    there is to say."""

    processes: tuple[ProcessStatus, ...] = ()
    unreachable: tuple[str, ...] = ()
    late: tuple[str, ...] = ()
    watchers: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def collect(paths: Paths) -> Elsewhere:
    """Ask all other hosts. One that was away during an `up` answers with the version of the tool that it has."""
    found: dict[str, list[ProcessStatus]] = {}
    late: dict[str, str] = {}
    watchers: list[str] = []
    with cluster.reachable(paths) as (hosts, failed):

        def ask(host: RemoteHost) -> None:
            answer = host.ask("status", {}, _PROCESSES)
            found[host.name] = [replace(each, host=host.name) for each in answer]
            # Another version may know no such questions.
            if not host.same_version:
                return
            if any(each.pid for each in answer):
                watchers.extend(f"on {host.name}: {each}" for each in host.ask("watchers", {}, _WORDS))
            # Asked last: the agent's first answer takes its start, and so long a clock may be behind unseen.
            before = time.time()
            clock = host.ask("clock", {}, _CLOCK)
            late[host.name] = clocks.complaint(host.name, clocks.difference(clock, before, time.time()))

        tasks = [Task(each.name, partial(ask, each)) for each in hosts]
        failed = {**failed, **execute(tasks, workers=max(1, len(tasks)))}
        reasons = [f"host {name}: {_words(error)}" for name, error in sorted(failed.items())]
        warnings = [
            f"{each.name} has another version of OneStack than this host; `onestack up` brings it to this one"
            for each in hosts
            if not each.same_version
        ]
    processes = tuple(each for name in sorted(found) for each in found[name])
    clocks_off = tuple(f"{late[name]}: {clocks.HINT}" for name in sorted(late) if late[name])
    return Elsewhere(processes, tuple(reasons), clocks_off, tuple(sorted(watchers)), tuple(warnings))


def _words(error: BaseException) -> str:
    if isinstance(error, OneStackError):
        return " ".join(
            filter(None, [error.summary, f"({error.detail.splitlines()[-1]})" if error.detail else ""])
        )
    return str(error)
