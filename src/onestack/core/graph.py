"""Runs tasks in parallel, each as soon as its dependencies are done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from graphlib import TopologicalSorter
from typing import Protocol, TypeVar


class Named(Protocol):
    """What has a name."""

    @property
    def name(self) -> str: ...


HasName = TypeVar("HasName", bound=Named)


@dataclass(frozen=True)
class Task:
    """`needs`: names of tasks that must be done before it. `group`: the tasks of a group share a limit."""

    name: str
    run: Callable[[], None]
    needs: tuple[str, ...] = ()
    group: str = ""


def execute(
    tasks: Sequence[Task],
    *,
    workers: int = 8,
    limits: Mapping[str, int] | None = None,
    interrupted: Callable[[], None] = lambda: None,
) -> Mapping[str, BaseException]:
    """Run every task after its dependencies; returns the errors of failed tasks, by name.

    `limits`: how many tasks of a group may run at a time. Tasks that depend on a failed one are not run, and are not
    in the result. After KeyboardInterrupt nothing new is started, `interrupted` is called, running tasks are waited
    for, and it is raised again. Raises graphlib.CycleError, and KeyError for an unknown dependency.
    """
    by_name = {task.name: task for task in tasks}
    for task in tasks:
        for need in task.needs:
            if need not in by_name:
                raise KeyError(f"{task.name} needs {need}, which is not among the tasks")
    order = TopologicalSorter({task.name: task.needs for task in tasks})
    order.prepare()
    failed: dict[str, BaseException] = {}
    blocked: set[str] = set()
    waiting: list[str] = []
    running: dict[Future[None], str] = {}
    busy: Counter[str] = Counter()
    with ThreadPoolExecutor(workers, thread_name_prefix="task") as pool:
        while order.is_active():
            for name in order.get_ready():
                if blocked.intersection(by_name[name].needs):
                    blocked.add(name)
                    order.done(name)
                else:
                    waiting.append(name)
            # Tasks are submitted only when a worker is free, so that there is no queue after an interrupt.
            for name in list(waiting):
                group = by_name[name].group
                if len(running) < workers and busy[group] < (limits or {}).get(group, workers):
                    waiting.remove(name)
                    busy[group] += 1
                    running[pool.submit(by_name[name].run)] = name
            if not running:
                continue
            try:
                finished, _ = wait(running, return_when=FIRST_COMPLETED)
            except KeyboardInterrupt:
                interrupted()
                raise
            for future in finished:
                name = running.pop(future)
                busy[by_name[name].group] -= 1
                error = future.exception()
                if error is not None:
                    failed[name] = error
                    blocked.add(name)
                order.done(name)
    return failed


def complete(tasks: Sequence[Task], *, workers: int = 8) -> None:
    """As `execute`, for tasks that all have to succeed. Raises the first failure, after all have ended."""
    for error in execute(tasks, workers=workers).values():
        raise error


def on_each(named: Sequence[HasName], body: Callable[[HasName], object]) -> None:
    """Call `body` for each of several things in parallel. Raises the first failure, after all have ended."""

    def call(one: HasName) -> None:
        body(one)

    complete([Task(one.name, partial(call, one)) for one in named], workers=max(1, len(named)))
