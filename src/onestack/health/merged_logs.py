"""What the processes of all hosts wrote, merged by time; the other hosts are asked by their agents."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from pydantic import TypeAdapter

from onestack.core.errors import BadInput, OneStackError
from onestack.core.events import Event
from onestack.core.paths import Paths
from onestack.health import logs, request_log
from onestack.platform.hosts import cluster
from onestack.platform.hosts.remote import RemoteHost

_UNASKED = "onestack@"
"""Before the name of a host that cannot be asked: what is said of it is no line of a log."""
_RENEWED = BadInput("it has another version of OneStack, which `onestack up` renews")
_LINES = TypeAdapter(list[tuple[str, str]])
Line = tuple[str, str]
"""(process, or process@host for one on another host; line)"""


def lines(
    paths: Paths,
    service: str | None,
    host: str | None,
    since: str | None,
    number: int,
    follow: bool,
    request: str | None = None,
) -> Iterator[Line]:
    """The last `number` lines, or all `since` an age or a moment; with `follow` those that come, too, without end.

    `service`: one process. `host`: one host. `request`: instead, all lines about the request of this id, and about
    the one that it was made for. Raises BadInput for names that are not there, and for a request that no log has.
    """
    if request is None:
        yield from _lines(paths, service, host, since, number, follow)
        return
    request_log.require_form(request)
    found = list(_lines(paths, service, host, requests=(request,)))
    if origins := request_log.origins((line for _, line in found), request):
        found = list(_lines(paths, service, host, requests=(request, *sorted(origins))))
    if not any(line for name, line in found if not name.startswith(_UNASKED)):
        raise BadInput(
            f"no log has the request {request}",
            detail="\n".join(f"{name.removeprefix(_UNASKED)} {line}" for name, line in found),
            hint="logs are rotated at 20 MB and three old ones are kept: it may be too old, or of another cloud",
        )
    yield from found


def _lines(
    paths: Paths,
    service: str | None,
    host: str | None,
    since: str | None = None,
    number: int = 0,
    follow: bool = False,
    requests: Sequence[str] = (),
) -> Iterator[Line]:
    here = cluster.here_name(paths)
    if cluster.led_from_here(paths) is None:
        if host not in (None, here):
            raise BadInput(
                f"this host knows no host '{host}'", hint="logs of other hosts are read on the control host"
            )
        yield from logs.recent(paths.log, service, since, number, requests)
        if follow:
            yield from logs.follow(logs.read(paths.log, service))
        return
    with cluster.reachable(paths) as (others, failed):
        if host is not None and host != here:
            others = [each for each in others if each.name == host]
            if not others:
                why = failed.get(host)
                raise why if isinstance(why, OneStackError) else BadInput(f"this cloud has no host '{host}'")
        elif host == here:
            others, failed = [], {}
        if requests:
            # An agent of another version may not know what is asked of it.
            failed |= {each.name: _RENEWED for each in others if not each.same_version}
            others = [each for each in others if each.same_version]
        local = host in (None, here)
        yield from _merged(paths if local else None, others, service, since, number, requests)
        if host is None:
            yield from ((f"{_UNASKED}{name}", f"cannot be asked: {error}") for name, error in failed.items())
        if follow:
            yield from _followed(paths if local else None, others, service)


def _merged(
    paths: Paths | None,
    others: list[RemoteHost],
    service: str | None,
    since: str | None,
    number: int,
    requests: Sequence[str],
) -> list[Line]:
    found: list[tuple[datetime, Line]] = []
    answers: list[list[Line]] = []
    missing: list[BadInput] = []
    if paths is not None:
        try:
            answers.append(logs.recent(paths.log, service, since, number, requests))
        except BadInput as error:
            missing.append(error)
    for each in others:
        given: dict[str, Any] = {"service": service, "since": since, "lines": number}
        if requests:
            given["requests"] = [*requests]
        try:
            answer = each.ask("logs", given, _LINES)
        except BadInput as error:
            # A process that only other hosts have.
            missing.append(error)
            continue
        answers.append([(f"{process}@{each.name}", line) for process, line in answer])
    if missing and not answers:
        raise missing[0]
    for answer in answers:
        written = datetime.min
        for process, line in answer:
            written = logs.stamp(line) or written
            found.append((written, (process, line)))
    found.sort(key=lambda each: each[0])
    return [line for _, line in found][-number if since is None and not requests else 0 :]


def _followed(paths: Paths | None, others: list[RemoteHost], service: str | None) -> Iterator[Line]:
    came: queue.Queue[Line] = queue.Queue()

    def own() -> None:
        assert paths is not None
        with suppress(BadInput):
            for line in logs.follow(logs.read(paths.log, service)):
                came.put(line)

    def of(host: RemoteHost) -> None:
        def heard(event: Event) -> None:
            came.put((f"{event.step}@{host.name}", event.message))

        try:
            host.ask("follow", {"service": service}, TypeAdapter(type(None)), heard)
        except BadInput:
            return
        except OneStackError as error:
            came.put((f"{_UNASKED}{host.name}", error.summary))

    if paths is not None:
        threading.Thread(target=own, daemon=True).start()
    for each in others:
        threading.Thread(target=of, args=(each,), daemon=True).start()
    while True:
        yield came.get()
