"""Nova does not find out, or write down, again what cannot have changed."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from onestack_runtime import nova_questions

NEWEST = 74


@pytest.fixture
def service() -> Any:
    """nova.objects.service, of a cloud whose oldest nova-compute is of `oldest`; what it was asked is in `asked`."""
    made = SimpleNamespace(SERVICE_VERSION=NEWEST, oldest=NEWEST - 1, asked=[])

    def ask(context: Any, binaries: list[str], require_all: bool = False) -> int:
        made.asked.append((tuple(binaries), require_all))
        return int(made.oldest)

    made.get_minimum_version_all_cells = ask
    nova_questions.of_versions(made)
    return made


def test_versions_are_asked_for_until_all_are_of_this_release(service: Any) -> None:
    for oldest in (0, NEWEST - 1, NEWEST, NEWEST, NEWEST):
        service.oldest = oldest
        assert service.get_minimum_version_all_cells(None, ["nova-compute"]) == oldest
    assert service.asked == [(("nova-compute",), False)] * 3


def test_one_that_was_forced_down_and_comes_back_counts_again_after_a_while(
    service: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [100.0]
    monkeypatch.setattr(nova_questions.time, "monotonic", lambda: now[0])
    told = []
    for oldest, seconds in ((NEWEST, 0.0), (NEWEST - 1, 1.0), (NEWEST - 1, nova_questions.SECONDS)):
        service.oldest = oldest
        now[0] += seconds
        told.append(service.get_minimum_version_all_cells(None, ["nova-compute"]))
    assert told == [NEWEST, NEWEST, NEWEST - 1]


def test_each_kind_of_service_is_asked_for_by_itself_and_so_is_whether_all_answer(service: Any) -> None:
    service.oldest = NEWEST
    asked = [(("nova-compute",), True), (("nova-scheduler",), True), (("nova-compute",), False)]
    for binaries, require_all in asked * 2:
        service.get_minimum_version_all_cells(None, list(binaries), require_all=require_all)
    assert service.asked == asked


class Instance:
    """Nova's, as far as this goes: `wants` is what it has, `written` what came to be in the database."""

    def __init__(self) -> None:
        self.wants = "[]"
        self.written: list[str] = []
        self.fails = False

    @property
    def pci_requests(self) -> Any:
        return SimpleNamespace(to_json=lambda: self.wants)

    def _save_pci_requests(self, context: Any) -> None:
        self._extra = self.wants

    def save(self, **expected: Any) -> dict[str, Any]:
        vars(self).pop("_extra", None)
        self._save_pci_requests(None)
        if self.fails:
            raise RuntimeError("the database is away")
        if "_extra" in vars(self):
            self.written.append(self._extra)
        return expected

    def refresh(self) -> None:
        self.wants = "[what somebody else wrote]"


@pytest.fixture
def instance() -> Any:
    class Own(Instance):
        pass

    nova_questions.of_devices(Own)
    return Own()


def test_that_no_devices_are_wanted_is_written_once(instance: Any) -> None:
    for number in range(3):
        assert instance.save(expected_vm_state=number) == {"expected_vm_state": number}
    assert instance.written == ["[]"]


def test_devices_are_written_each_time_and_so_is_that_they_are_no_longer_wanted(instance: Any) -> None:
    for wants in ("[]", "[gpu]", "[gpu]", "[]", "[]"):
        instance.wants = wants
        instance.save()
    assert instance.written == ["[]", "[gpu]", "[gpu]", "[]"]


def test_what_could_not_be_written_is_written_the_next_time(instance: Any) -> None:
    instance.wants = "[gpu]"
    instance.save()
    instance.wants, instance.fails = "[]", True
    with pytest.raises(RuntimeError):
        instance.save()
    instance.fails = False
    instance.save()
    assert instance.written == ["[gpu]", "[]"]


def test_after_somebody_else_may_have_written_it_is_written_again(instance: Any) -> None:
    instance.save()
    instance.refresh()
    instance.wants = "[]"
    instance.save()
    assert instance.written == ["[]", "[]"]
