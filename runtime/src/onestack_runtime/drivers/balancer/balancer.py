"""One balancer brought to what Octavia's database says: its network, its certificates, its HAProxy.

Every step does only what lacks, so that the same call makes, changes, finds again and mends. One at a time for
each balancer, whichever process calls.
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
def held(place: Place) -> Iterator[None]:
    """Nobody else works on this balancer meanwhile, in no process."""
    LOCKS.mkdir(mode=0o700, parents=True, exist_ok=True)
    with place.lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def make(lb: Any, net: network.Network, *, retry: bool = False) -> graph.Update:
    """Have the balancer as the database wants it; returns the statuses to report.

    `retry`: try again what once failed. What HAProxy refuses is among the statuses; raises all else that could
    not be done, which another try may mend.
    """
    place = Place(lb.id)
    place.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    update = graph.outcome(lb)
    card = network.recall(place)
    ask = retry or graph.concerns_network(lb)
    graph.prune(lb, retry=retry)
    if ask or card is None:
        before, card = card, net.bind(lb)
        network.keep(place, card)
        net.secure(lb)
        if before is not None and before != card:
            plug.unplug(place)
    if not plug.is_plugged(place):
        plug.plug(place, card)
    try:
        _serve(place, lb)
    except Wrong as wrong:
        failed = frozenset(graph.culprits(lb))
        if not failed:
            raise
        LOG.warning("balancer %s: %s", lb.id, wrong)
        graph.prune(lb, failed)
        _serve(place, lb)
        return graph.marked(update, failed)
    return update


class Wrong(Exception):
    """HAProxy refuses a configuration, or a certificate is not to be had."""


def wanted(lb: Any) -> tuple[str | None, tls.Material]:
    """The configuration of a pruned balancer (None: nothing to serve) and its certificates. Raises Wrong."""
    try:
        material = tls.collect(lb)
    except (exceptions.CertificateRetrievalException, exceptions.MissingCertSubject) as missing:
        raise Wrong(str(missing)) from missing
    return render.render(lb, material.told, material.digest), material


def _serve(place: Place, lb: Any) -> None:
    """Have a HAProxy that runs with what the balancer's objects say; none when nothing is to be served."""
    text, material = wanted(lb)
    tls.write(lb, material)
    if text is None:
        haproxy.stop(place)
        place.config.unlink(missing_ok=True)
        place.loaded.unlink(missing_ok=True)
        return
    apply(place, text)


def apply(place: Place, text: str) -> None:
    """Have the HAProxy of a plugged balancer run with a configuration. Raises Wrong, Failed, OSError."""
    running = haproxy.master(place) is not None
    loaded = place.loaded.read_text() if place.loaded.exists() else ""
    reload = not loaded or config.needs_reload(loaded, text)
    if not running or reload:
        _accept(place, text)
    else:
        place.config.write_text(text)
    if not running:
        _keep_from_old(place)
        haproxy.start(place)
    elif reload:
        _reload(place)
    try:
        _converge(place, text)
    except control.Refused as refused:
        # What the runtime socket does not do, a reload does.
        LOG.info("balancer %s: %s; reloading", place.id, refused)
        _reload(place)
        _converge(place, text)
    place.loaded.write_text(text)


def _keep_from_old(place: Place) -> None:
    """Nothing of a HAProxy that died may stay: its workers would hold the ports."""
    haproxy.stop(place)
    place.state.unlink(missing_ok=True)


def _accept(place: Place, text: str) -> None:
    """Put a configuration in its place if HAProxy takes it."""
    new = place.config.with_suffix(".new")
    new.write_text(text)
    new.chmod(0o600)
    try:
        haproxy.check(place, new)
    except Failed as refused:
        raise Wrong(str(refused)) from refused
    new.rename(place.config)


def _reload(place: Place) -> None:
    # The new process takes over what the old one knew of its servers' health.
    place.state.write_text(control.ask(place.socket, "show servers state") + "\n")
    haproxy.reload(place)


def _converge(place: Place, text: str) -> None:
    there = control.servers(control.ask(place.socket, "show servers state"))
    control.tell(place.socket, control.changes(config.servers(text), there))


def sweep(place: Place) -> None:
    """Take away servers that have left and whose last connection has ended."""
    text = place.loaded.read_text()
    there = control.servers(control.ask(place.socket, "show servers state"))
    for command in control.leaving(config.servers(text), there):
        with contextlib.suppress(control.Refused):
            control.tell(place.socket, [command])


def revive(place: Place) -> None:
    """Start a HAProxy that has died, as it was. Raises Failed."""
    _keep_from_old(place)
    haproxy.start(place)
    text = place.config.read_text()
    _converge(place, text)
    place.loaded.write_text(text)


def remove(place: Place) -> None:
    """Have nothing left of a balancer on this host. Harmless when nothing is."""
    haproxy.stop(place)
    plug.unplug(place)
    for folder in (place.sockets, place.folder):
        if folder.exists():
            shutil.rmtree(folder)
