"""The one machine that this test's steps share, in order."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from long import places
from long.building import parts, source, system
from long.driving import machine as driving
from long.driving import qemu
from long.driving.machine import Machine
from onestack.core.errors import OneStackError
from onestack.core.events import Event
from onestack.core.paths import Paths
from onestack.platform.fetch import fetch
from onestack.spec import default as default_spec

SECONDS = 12 * 3600
"""The last resort for one step: its waits end by standstill."""
_log = logging.getLogger("long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """These steps run only where they are asked for (`-m long`): no other run of the tests may take hours."""
    here = [item for item in items if item.get_closest_marker("long")]
    for item in here:
        item.add_marker(pytest.mark.timeout(SECONDS))
    if config.option.markexpr != "long":
        items[:] = [item for item in items if item not in here]
        config.hook.pytest_deselected(items=here)


def emit(event: Event) -> None:
    _log.info("%s: %s %s", event.step, event.state, event.message)


@pytest.fixture(scope="session")
def log_file() -> Iterator[Path]:
    """What is said goes to this file too."""
    places.LOGS.mkdir(parents=True, exist_ok=True)
    file = places.new_log()
    handler = logging.FileHandler(file)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    _log.addHandler(handler)
    _log.setLevel(logging.INFO)
    _log.info("this log is kept in %s", file)
    yield file
    _log.removeHandler(handler)


@pytest.fixture(scope="session")
def machine(log_file: Path) -> Iterator[Machine]:
    """The machine, started; it is switched off in the end, and its disks are removed."""
    with places.of_this_run() as folder:
        store = places.STORE
        try:
            parts_disk = parts.ensure(store, emit)
            made = system.ensure(store)
            base = fetch(Paths.at("/"), default_spec().platform, emit).base
        except OneStackError as error:
            pytest.fail(
                f"the machine cannot be made: {error.summary}\n{error.detail}\n{error.where}", pytrace=False
            )
        qemu.overlay(base, store, folder, made.disk, "system.qcow2")
        qemu.overlay(base, store, folder, parts_disk, "parts.qcow2")
        source.write(folder / "source.tar")
        with (folder / qemu.SPARE).open("wb") as disk:
            disk.truncate(qemu.SPARE_SIZE)
        try:
            started = driving.boot(base, store, folder, qemu.command(made, store))
            try:
                yield started
            finally:
                started.end()
        finally:
            for name in (qemu.CONSOLE, "qemu.log"):
                with suppress(FileNotFoundError):
                    shutil.copyfile(folder / name, log_file.with_suffix(f".{name}"))
