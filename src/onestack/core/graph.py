"""Running tasks in parallel, each as soon as what it needs is done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from graphlib import TopologicalSorter


@dataclass(frozen=True)
class Task:
    """`needs`: names of tasks that must be done first. `group`: with whom it shares a limit."""

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
    """Run every task after what it needs; returns what failed, by name.

    `limits`: how many tasks of a group may run at a time. A failure leaves out only what needs the failed
    task; those are not in the result (they are not causes). KeyboardInterrupt: nothing new is started,
    `interrupted` is called, what runs is waited for, then it is raised again. Raises graphlib.CycleError, and
    KeyError for a need that nobody fulfils.
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
            # Only what a worker is free for is handed over: an interrupt then finds no queue behind it.
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
