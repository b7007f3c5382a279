"""How a server is moved from a host: live or cold, confirmed; and what is said where it cannot be."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from onestack.core.errors import PermanentError
from onestack.platform.hosts import moving


class Nova:
    """Moves what it is asked to, from n1 to n2. `fails`: why it does not."""

    def __init__(self, status: str, fails: str = "") -> None:
        self.calls: list[str] = []
        self.now = SimpleNamespace(
            id="1",
            name="web",
            status=status,
            task_state=None,
            compute_host="n1",
            fault=None,
            attached_volumes=[],
        )
        self._fails = fails

    def get_server(self, server: Any) -> Any:
        return self.now

    def live_migrate_server(self, server: Any, **how: object) -> None:
        self.calls.append("live")
        if not self._fails:
            self.now.compute_host = "n2"

    def migrate_server(self, server: Any) -> None:
        self.calls.append("cold")
        if not self._fails:
            self.now.compute_host, self.now.status = "n2", "VERIFY_RESIZE"

    def confirm_server_resize(self, server: Any) -> None:
        self.calls.append("confirm")
        self.now.status = "SHUTOFF"

    def server_actions(self, server: Any) -> list[Any]:
        return [
            SimpleNamespace(request_id="r0", action="create", message=None, start_time="2026-01-01"),
            SimpleNamespace(request_id="r1", action="migrate", message="Error", start_time="2026-01-02"),
        ]

    def get_server_action(self, ident: str, server: Any) -> Any:
        assert ident == "r1"
        return SimpleNamespace(events=[SimpleNamespace(result="Error", details=self._fails)])

    def migrations(self, **query: str) -> list[Any]:
        assert query == {"source_compute": "n1", "status": "finished"}
        return [SimpleNamespace(server_id="7")]


class Cinder:
    def get_volume(self, ident: str) -> Any:
        return SimpleNamespace(id=ident, name="data", host="n1@file#file" if ident == "v1" else "c1@rbd#rbd")


def moved(nova: Nova) -> list[str]:
    admin: Any = SimpleNamespace(compute=nova, block_storage=Cinder())
    moving.move(admin, nova.now, "n1", lambda backend: backend == "file")
    return nova.calls


def test_a_guest_that_runs_is_moved_live() -> None:
    assert moved(Nova("ACTIVE")) == ["live"]


def test_one_that_is_stopped_is_moved_cold_and_that_is_confirmed() -> None:
    assert moved(Nova("SHUTOFF")) == ["cold", "confirm"]


@pytest.mark.parametrize("status", ["VERIFY_RESIZE", "SUSPENDED"])
def test_others_stay_and_that_is_said(status: str) -> None:
    with pytest.raises(PermanentError, match=r"it is SUSPENDED|confirm or revert"):
        moved(Nova(status))


@pytest.mark.parametrize("status", ["ACTIVE", "SHUTOFF"])
def test_a_move_that_failed_is_not_waited_for(status: str) -> None:
    with pytest.raises(PermanentError, match="migrate: No valid host was found"):
        moved(Nova(status, fails="No valid host was found"))


def test_a_guest_with_a_volume_of_its_host_is_not_even_tried() -> None:
    nova = Nova("SHUTOFF")
    nova.now.attached_volumes = [{"id": "v1"}, {"id": "v2"}]
    with pytest.raises(PermanentError, match=r"volumes that are stored on n1 \(data\)"):
        moved(nova)
    assert nova.calls == []
    nova.now.attached_volumes = [{"id": "v2"}]
    assert moved(nova) == ["cold", "confirm"]


def test_a_resize_that_may_be_reverted_keeps_its_host() -> None:
    assert list(moving.undecided(SimpleNamespace(compute=Nova("ACTIVE")), "n1")) == ["7"]  # type: ignore[arg-type]
