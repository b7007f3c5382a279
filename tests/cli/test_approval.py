"""Who is asked before something is changed, and what happens where nobody can be asked."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from onestack.cli import all as _commands  # noqa: F401 - adds the commands
from onestack.cli import approval
from onestack.cli.main import cli
from onestack.cloud import Cloud
from onestack.core.errors import BadInput
from onestack.workloads.apply import Outcome
from onestack.workloads.plan import Change, Observed, Plan
from onestack.workloads.plan.values import Address

Call = Callable[..., Result]
NETWORK, ROUTER = Address("network", ("a", "net")), Address("router", ("a", "edge"))
MAKES = Plan([Change("create", NETWORK)])
REPLACES = Plan([Change("replace", NETWORK, why="cidr cannot be changed"), Change("create", ROUTER)])
DESTROYS = Plan([Change("delete", ROUTER, observed=Observed(ROUTER, "1"))])
NOTHING = Plan([])


@pytest.fixture
def applied() -> list[bool]:
    """What was let through: whether a person was asked."""
    return []


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, applied: list[bool], tmp_path: Path) -> Call:
    """Run a command on a cloud whose plan is given, with or without a person at a terminal who types `answer`."""
    monkeypatch.chdir(tmp_path)
    Path("spec.yaml").write_text("name: lab\n")

    def run(plan: Plan, *words: str, answer: str | None = None) -> Result:
        def apply(self: Cloud, given: Plan | None = None, **words: object) -> Outcome:
            approve = words.get("approve")
            applied.append(approve(plan) if callable(approve) else False)
            return Outcome()

        monkeypatch.setattr(Cloud, "apply", apply)
        monkeypatch.setattr(Cloud, "removal", lambda self, spec: plan)
        monkeypatch.setattr(approval, "on_terminal", lambda: answer is not None)
        return CliRunner().invoke(cli, [words[0], "spec.yaml", *words[1:]], input=answer)

    return run


@pytest.mark.parametrize("answer", ["yes\n", "y\n", "YES\n"])
def test_on_a_terminal_apply_shows_the_plan_and_asks(call: Call, applied: list[bool], answer: str) -> None:
    done = call(MAKES, "apply", answer=answer)
    assert (done.exit_code, applied) == (0, [True])
    assert "network a/net will be created" in done.stdout
    assert "Plan: 1 to add" in done.stdout
    assert "(yes or no)" in done.stderr


@pytest.mark.parametrize("answer", ["no\n", "\n", "maybe\n"])
@pytest.mark.parametrize("name", ["apply", "destroy"])
def test_any_other_answer_changes_nothing(call: Call, applied: list[bool], name: str, answer: str) -> None:
    done = call(DESTROYS, name, answer=answer)
    assert isinstance(done.exception, approval.Declined)
    assert (done.exception.exit_status, applied) == (1, [])
    assert "router a/edge will be destroyed" in done.stdout


@pytest.mark.parametrize("plan", [MAKES, NOTHING])
def test_without_a_terminal_what_only_makes_is_applied(call: Call, applied: list[bool], plan: Plan) -> None:
    assert (call(plan, "apply").exit_code, applied) == (0, [False])


@pytest.mark.parametrize(
    ("plan", "words"), [(REPLACES, "a/net (cidr cannot be changed)"), (DESTROYS, "a/edge")]
)
@pytest.mark.parametrize(("more", "answer"), [((), None), (("--json",), None), (("--json",), "yes\n")])
def test_where_nobody_can_be_asked_what_destroys_needs_yes(
    call: Call, applied: list[bool], plan: Plan, words: str, more: tuple[str, ...], answer: str | None
) -> None:
    done = call(plan, "apply", *more, answer=answer)
    assert isinstance(done.exception, BadInput)
    assert (done.exception.exit_status, applied) == (2, [])
    assert words in done.exception.detail
    assert "--yes" in done.exception.hint


@pytest.mark.parametrize("plan", [MAKES, REPLACES, DESTROYS, NOTHING])
@pytest.mark.parametrize("name", ["apply", "destroy"])
@pytest.mark.parametrize("answer", [None, "no\n"])
def test_with_yes_nobody_is_asked(
    call: Call, applied: list[bool], plan: Plan, name: str, answer: str | None
) -> None:
    assert (call(plan, name, "--yes", answer=answer).exit_code, applied) == (0, [False])


def test_nothing_to_do_needs_no_question(call: Call, applied: list[bool]) -> None:
    assert (call(NOTHING, "apply", answer="no\n").exit_code, applied) == (0, [False])


def test_up_asks_only_where_something_is_destroyed(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    def up(self: Cloud, spec: object, *, approve: Callable[[Plan], bool], **words: object) -> None:
        asked.extend(approve(plan) for plan in (MAKES, NOTHING, REPLACES))
        raise BadInput("enough")

    monkeypatch.setattr(Cloud, "up", up)
    monkeypatch.setattr(approval, "on_terminal", lambda: True)
    done = CliRunner().invoke(cli, ["up", "spec.yaml"], input="yes\n")
    assert asked == [False, False, True]
    assert "network a/net will be replaced (cidr cannot be changed)" in done.stdout
    monkeypatch.setattr(approval, "on_terminal", lambda: False)
    done = CliRunner().invoke(cli, ["up", "spec.yaml"])
    assert "nothing of this was done" in str(done.exception)


@pytest.mark.parametrize("words", [["plan", "x.yaml", "--detailed-exitcode"], ["drift", "x.yaml"]])
def test_where_2_means_changes_an_error_is_1(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> None:
    def plan(self: Cloud, spec: object, **more: object) -> Plan:
        raise BadInput("wrong")

    monkeypatch.setattr(Cloud, "plan", plan)
    done = CliRunner().invoke(cli, words)
    assert isinstance(done.exception, BadInput)
    assert done.exception.exit_status == 1
    done = CliRunner().invoke(cli, ["plan", "x.yaml"])
    assert isinstance(done.exception, BadInput)
    assert done.exception.exit_status == 2
