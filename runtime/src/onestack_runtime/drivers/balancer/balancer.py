"""Makes one balancer match Octavia's database: its network, its certificates, its HAProxy.

Every step is idempotent: the same call creates, changes and repairs a balancer, and takes over one that a former
process created. A lock file serializes the calls for a balancer, also between processes.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import shutil
from collections.abc import Iterator
from typing import Any

from octavia.common import exceptions

from onestack_runtime.drivers.balancer import config, control, graph, haproxy, network, plug, render, tls
from onestack_runtime.drivers.balancer.places import LOCKS, Place
from onestack_runtime.serving.commands import Failed

LOG = logging.getLogger(__name__)


@contextlib.contextmanager
def locked(place: Place) -> Iterator[None]:
    """Hold the balancer's lock, against all threads and processes."""
    LOCKS.mkdir(mode=0o700, parents=True, exist_ok=True)
    with place.lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make(lb: Any, net: network.Network, *, retry: bool = False) -> graph.Update:
    """Make the balancer match the database; returns the statuses to report.

    `retry`: include objects in ERROR. Objects that HAProxy refuses get the status ERROR; all other failures are
    raised, and a later attempt may succeed.
    """
    place = Place(lb.id)
    place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    update = graph.outcome(lb)
    interface = network.load(place)
    refresh = retry or graph.concerns_network(lb)
    graph.prune(lb, retry=retry)
    if refresh or interface is None:
        before, interface = interface, net.bind(lb)
        network.save(place, interface)
        net.secure(lb)
        if before is not None and before != interface:
            plug.unplug(place)
    if not plug.is_plugged(place):
        plug.plug(place, interface)
    try:
        _serve(place, lb)
    except Refused as refused:
        failed = frozenset(graph.culprits(lb))
        if not failed:
            raise
        LOG.warning("balancer %s: %s", lb.id, refused)
        graph.prune(lb, failed)
        _serve(place, lb)
        return graph.with_errors(update, failed)
    return update


class Refused(Exception):
    """HAProxy refuses a configuration, or a certificate cannot be read."""


def wanted(lb: Any) -> tuple[str | None, tls.Material]:
    """The configuration of a balancer after `graph.prune` (None: nothing to serve), and its certificates. Raises
    Refused."""
    try:
        material = tls.collect(lb)
    except (exceptions.CertificateRetrievalException, exceptions.MissingCertSubject) as missing:
        raise Refused(str(missing)) from missing
    return render.render(lb, material.template_values, material.digest), material


def _serve(place: Place, lb: Any) -> None:
    """Run HAProxy with the balancer's configuration; stop it if there is nothing to serve."""
    text, material = wanted(lb)
    tls.write(lb, material)
    if text is None:
        haproxy.stop(place)
        place.config.unlink(missing_ok=True)
        place.loaded.unlink(missing_ok=True)
        return
    apply(place, text)


def apply(place: Place, text: str) -> None:
    """Run the balancer's HAProxy with a configuration; its network exists. Raises Refused, Failed, OSError."""
    running = haproxy.master(place) is not None
    loaded = place.loaded.read_text() if place.loaded.exists() else ""
    reload = not loaded or config.needs_reload(loaded, text)
    if not running or reload:
        _write_checked(place, text)
    else:
        place.config.write_text(text)
    if not running:
        _clean_up(place)
        haproxy.start(place)
    elif reload:
        _reload(place)
    try:
        _converge(place, text)
    except control.Refused as refused:
        # A reload applies what the runtime socket cannot change.
        LOG.info("balancer %s: %s; reloading", place.id, refused)
        _reload(place)
        _converge(place, text)
    place.loaded.write_text(text)


def _clean_up(place: Place) -> None:
    """Remove what is left of a HAProxy that died: its worker processes would keep the ports."""
    haproxy.stop(place)
    place.state.unlink(missing_ok=True)


def _write_checked(place: Place, text: str) -> None:
    """Write a configuration if HAProxy accepts it."""
    new = place.config.with_suffix(".new")
    new.write_text(text)
    new.chmod(0o600)
    try:
        haproxy.check(place, new)
    except Failed as refused:
        raise Refused(str(refused)) from refused
    new.rename(place.config)


def _reload(place: Place) -> None:
    # The new process takes over the servers' health from the old one.
    place.state.write_text(control.execute(place.socket, "show servers state") + "\n")
    haproxy.reload(place)


def _converge(place: Place, text: str) -> None:
    """Change the running HAProxy's servers to those of the configuration."""
    actual = control.servers(control.execute(place.socket, "show servers state"))
    control.execute_all(place.socket, control.changes(config.servers(text), actual))


def delete_drained(place: Place) -> None:
    """Delete servers that were removed from the pool and whose last connection has ended."""
    text = place.loaded.read_text()
    actual = control.servers(control.execute(place.socket, "show servers state"))
    for command in control.deletions(config.servers(text), actual):
        with contextlib.suppress(control.Refused):
            control.execute_all(place.socket, [command])


def restart(place: Place) -> None:
    """Start a HAProxy that has died or does not answer, with its last configuration. Raises Failed."""
    _clean_up(place)
    haproxy.start(place)
    text = place.config.read_text()
    _converge(place, text)
    place.loaded.write_text(text)


def remove(place: Place) -> None:
    """Remove a balancer's processes, network and files from this host. Idempotent."""
    haproxy.stop(place)
    plug.unplug(place)
    for folder in (place.sockets, place.folder):
        if folder.exists():
            shutil.rmtree(folder)
