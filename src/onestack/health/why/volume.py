"""Why a volume is in an error status, does not get ready, or cannot be attached: one sentence. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from onestack.health.why.model import Diagnosis, Part
from onestack.health.why.observations import Backend, Target, VolumeObservation

_WORDS = {
    "error": "could not be created",
    "error_deleting": "could not be deleted",
    "error_extending": "could not be extended",
    "error_backing-up": "could not be backed up",
    "error_restoring": "could not be restored from its backup",
    "error_managing": "could not be taken over",
}
_CHANGING = ("creating", "downloading", "deleting", "extending", "attaching", "detaching", "retyping", "uploading",
             "reserved", "maintenance", "backing-up", "restoring-backup", "managing", "reverting")  # fmt: skip
LONG = 60.0
"""Seconds without a change after which one is called stuck: attaching takes some seconds."""
_WORKING = ("creating", "downloading", "uploading", "backing-up", "restoring-backup", "retyping")
"""Copies data, which takes as long as it takes."""
_RECEIVES = (
    "ACTIVE",
    "PAUSED",
    "SHUTOFF",
    "SUSPENDED",
    "SHELVED",
    "SHELVED_OFFLOADED",
    "RESIZED",
    "VERIFY_RESIZE",
)
"""Statuses of servers to which Nova attaches volumes."""
_SHARED = "use a volume type whose storage all hosts share"
_Answer = tuple[str, str, str]
"""(cause, verdict, hint)"""


def diagnose(observed: VolumeObservation) -> Diagnosis:
    """The diagnosis of a volume; it may be that nothing is wrong."""
    cause, verdict, hint = _cause(observed)
    backends = observed.backends if cause in ("backend", "service") else ()
    return Diagnosis(
        f"volume {observed.project}/{observed.name or observed.id}",
        observed.status,
        cause,
        verdict,
        hint,
        facts=tuple(_facts(observed)) if cause not in ("none", "building") else (),
        quotas=observed.quotas,
        request_id=observed.request_id,
        parts=tuple(_part(each, observed) for each in backends),
    )


def _cause(observed: VolumeObservation) -> _Answer:
    name = f"volume '{observed.name or observed.id}'"
    if observed.status.startswith("error"):
        return _failed(observed, name)
    if observed.status in _CHANGING:
        return _changing(observed, name)
    if observed.target is not None:
        return _attach(observed, name, observed.target)
    if (own := _own(observed)) is not None and (problem := _state(own)):
        verdict = f"{name} is {observed.status}, but cannot be changed or attached: {problem}"
        return "service", verdict, "onestack status; onestack logs cinder"
    where = ""
    if observed.attachments:
        where = ", attached to " + " and ".join(f"server '{each.name}'" for each in observed.attachments)
    only = f"; only servers of '{observed.stored_on}' can use it" if observed.stored_on else ""
    return "none", f"{name} is {observed.status}{where}: nothing stands in its way{only}", ""


def _failed(observed: VolumeObservation, name: str) -> _Answer:
    what = _WORDS.get(observed.status, f"is in {observed.status}")
    if not observed.host and observed.status == "error":
        return _no_backend(observed, f"{name} {what}")
    said = observed.errors[0] if observed.errors else (observed.messages or ("",))[0]
    reason = (
        f": {said.strip().rstrip('.')}" if said else ", and neither Cinder's messages nor its log say why"
    )
    if not observed.errors and (own := _own(observed)) is not None and (problem := _state(own)):
        return "service", f"{name} {what}: {problem}", "onestack status; onestack logs cinder"
    if observed.status == "error":
        again = "delete it and create it again"
    else:
        back = "in-use" if observed.attachments else "available"
        again = f"when that is mended, `openstack volume set --state {back} {observed.id}` and try again"
    return "failed", f"{name} {what}{reason}", again


def _no_backend(observed: VolumeObservation, failed: str) -> _Answer:
    """Cinder's scheduler chose no backend."""
    again = "then delete it and create it again"
    if not observed.backends:
        return (
            "backend",
            f"{failed}: Cinder has no backend",
            f"onestack status; onestack logs cinder; {again}",
        )
    reasons = {each.name: list(_reasons(each, observed)) for each in observed.backends}
    could = [name for name, found in reasons.items() if not found]
    if could:
        verdict = (
            f"{failed}: Cinder's scheduler found no backend for it; now {', '.join(could)} could take it"
        )
        return "passed", verdict, "delete it and create it again"
    if len(reasons) == 1:
        ((only, found),) = reasons.items()
        verdict = f"{failed}: the only backend, '{only}', {'; '.join(words for _, words in found)}"
    else:
        firsts = Counter(found[0][0] for found in reasons.values())
        told = ", ".join(f"{many} {kind}" for kind, many in firsts.most_common())
        verdict = f"{failed}: of {len(reasons)} backends, {told}"
    return "backend", verdict, f"a smaller volume, another volume type, or more storage; {again}"


def _changing(observed: VolumeObservation, name: str) -> _Answer:
    since = f"{name} is {observed.status} since {observed.age:.0f} s"
    if observed.services_down:
        down = " and ".join(observed.services_down)
        return "service", f"{since}: {down} does not answer", "onestack status; onestack logs cinder"
    if (own := _own(observed)) is not None and not own.up:
        return "service", f"{since}: {_state(own)}", "onestack status; onestack logs cinder"
    if observed.age > LONG and observed.status not in _WORKING:
        verdict = f"{since}, and nothing works on it any more"
        return (
            "stuck",
            verdict,
            "`onestack volumes check` compares databases, files and guests, and repairs it",
        )
    return "building", since, "onestack logs cinder"


def _attach(observed: VolumeObservation, name: str, target: Target) -> _Answer:
    cannot = f"{name} cannot be attached to server '{target.name}'"
    if any(each.server == target.id for each in observed.attachments):
        return "none", f"{name} is attached to server '{target.name}'", ""
    if observed.attachments and not observed.multiattach:
        one = observed.attachments[0]
        return (
            "in-use",
            f"{cannot}: server '{one.name}' has it, and a volume has one server at a time",
            f"openstack server remove volume {one.server} {observed.id}",
        )
    if observed.stored_on and target.host and target.host != observed.stored_on:
        return (
            "elsewhere",
            f"{cannot}: it is stored on the host '{observed.stored_on}', and the server runs on '{target.host}'",
            f"openstack server migrate --live-migration --host {observed.stored_on} {target.id}; or {_SHARED}",
        )
    if (own := _own(observed)) is not None and (problem := _state(own)):
        return "service", f"{cannot}: {problem}", "onestack status; onestack logs cinder"
    if target.status not in _RECEIVES:
        return "server", f"{cannot}: the server is {target.status}", f"onestack why server {target.id}"
    if target.task:
        return "building", f"{cannot} yet: the server is in the task {target.task}", "try again"
    return "none", f"nothing keeps {name} from server '{target.name}'", ""


def _own(observed: VolumeObservation) -> Backend | None:
    place = observed.host.partition("#")[0]
    return next((each for each in observed.backends if each.name == place), None)


def _state(backend: Backend) -> str:
    """What is wrong with the service of a backend; empty if nothing is."""
    if not backend.up:
        return f"cinder-volume of its backend '{backend.name}' is down"
    if not backend.enabled:
        reason = f" ({backend.disabled_reason})" if backend.disabled_reason else ""
        return f"cinder-volume of its backend '{backend.name}' is disabled{reason}"
    return ""


def _reasons(backend: Backend, observed: VolumeObservation) -> Iterator[tuple[str, str]]:
    """(in a word, in words): all that keeps a volume from a backend."""
    if not backend.up:
        yield "down", "is down"
    if not backend.enabled:
        yield "disabled", "is disabled" + (f" ({backend.disabled_reason})" if backend.disabled_reason else "")
    if observed.wanted_backend and backend.backend_name and backend.backend_name != observed.wanted_backend:
        yield (
            "of another type",
            f"is called '{backend.backend_name}', and the type '{observed.volume_type}' wants "
            f"'{observed.wanted_backend}'",
        )
    if observed.zone and backend.zone != observed.zone:
        yield "in another zone", f"is in the zone '{backend.zone}', not in '{observed.zone}'"
    if backend.free is not None and observed.size > backend.free:
        of = f" of {backend.total:.0f}" if backend.total is not None else ""
        yield "too full", f"has {max(0.0, backend.free):.0f}{of} GiB free, and {observed.size} are wanted"


def _part(backend: Backend, observed: VolumeObservation) -> Part:
    status = "down" if not backend.up else "up" if backend.enabled else "disabled"
    return Part(f"backend {backend.name}", status, tuple(words for _, words in _reasons(backend, observed)))


def _facts(observed: VolumeObservation) -> Iterator[str]:
    kind = f", type '{observed.volume_type}'" if observed.volume_type else ""
    yield f"{observed.size} GiB{kind}" + (f", on {observed.host}" if observed.host else ", on no backend")
    if observed.attachments:
        had = ", ".join(
            f"'{each.name}' on {each.host or '?'} as {each.device}" for each in observed.attachments
        )
        yield f"attached to: {had}"
    yield from (f"Cinder says: {each}" for each in observed.messages)
    yield from (f"log: {error}" for error in observed.errors)
