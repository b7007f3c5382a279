"""Collects the status of processes on the cloud's other hosts, and compares the hosts' clocks."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial

from pydantic import TypeAdapter

from onestack.core.errors import OneStackError
from onestack.core.graph import Task, execute
from onestack.core.paths import Paths
from onestack.health.process_status import ProcessStatus
from onestack.platform.hosts import clocks, cluster
from onestack.platform.hosts.remote import RemoteHost

_PROCESSES, _CLOCK = TypeAdapter(list[ProcessStatus]), TypeAdapter(float)


def collect(paths: Paths) -> tuple[list[ProcessStatus], list[str]]:
    """The status of the processes on all other hosts; and in words, which hosts could not be reached and why, and
    whose clocks differ."""
    found: dict[str, list[ProcessStatus]] = {}
    late: dict[str, str] = {}
    with cluster.reachable(paths) as (hosts, failed):

        def ask(host: RemoteHost) -> None:
            answer = host.ask("status", {}, _PROCESSES)
            found[host.name] = [replace(each, host=host.name) for each in answer]
            # Asked last: the agent's first answer takes its start, and so long a clock may be behind unseen.
            before = time.time()
            clock = host.ask("clock", {}, _CLOCK)
            late[host.name] = clocks.complaint(host.name, clocks.difference(clock, before, time.time()))

        tasks = [Task(each.name, partial(ask, each)) for each in hosts]
        failed = {**failed, **execute(tasks, workers=max(1, len(tasks)))}
    reasons = [f"host {name}: {_words(error)}" for name, error in sorted(failed.items())]
    reasons += [f"{late[name]}: {clocks.HINT}" for name in sorted(late) if late[name]]
    return [each for name in sorted(found) for each in found[name]], reasons


def _words(error: BaseException) -> str:
    if isinstance(error, OneStackError):
        return " ".join(
            filter(None, [error.summary, f"({error.detail.splitlines()[-1]})" if error.detail else ""])
        )
    return str(error)
