"""oslo.versionedobjects, oslo.policy, oslo.db, jsonschema, Pecan, futurist, subprocess."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from onestack_runtime.replacements import policies
from onestack_runtime.serving import threads

threads.native()

from oslo_versionedobjects import base, fields  # noqa: E402

ENTRIES = (
    "object-changes",
    "policy-rule-arguments",
    "policy-files",
    "idle-threads",
    "one-processor",
)


def test_upstream_is_what_it_was_written_against(entry_name: str, misfits: Any) -> None:
    assert misfits(entry_name) == ""


def told(act: Callable[[], object]) -> object:
    """What came of it: an answer that can be compared, or the error."""
    try:
        said = act()
    except Exception as error:
        return type(error), str(error)
    return (
        said
        if said is None or isinstance(said, bool | int | str | set | list | tuple)
        else type(said).__name__
    )


def object_classes() -> tuple[Any, Any]:
    """A class of objects, and one of those that hold them; made anew, as what is made depends on when."""

    @base.VersionedObjectRegistry.objectify
    class Flavor(base.VersionedObject):
        fields = {"name": fields.StringField(), "vcpus": fields.IntegerField()}  # noqa: RUF012

    @base.VersionedObjectRegistry.objectify
    class Server(base.VersionedObject):
        fields = {  # noqa: RUF012
            "name": fields.StringField(nullable=True),
            "flavor": fields.ObjectField("Flavor", nullable=True),
            "former": fields.ObjectField("Flavor", nullable=True),
            "number": fields.IntegerField(read_only=True),
        }
        obj_extra_fields = ["title"]  # noqa: RUF012

        @property
        def title(self) -> str:
            return str(self.name).title()

        def obj_load_attr(self, attrname: str) -> None:
            if attrname != "former":
                super().obj_load_attr(attrname)
            self.former = None

    return Flavor, Server


ACTS: tuple[Callable[[Any, Any], object], ...] = (
    lambda server, flavor: setattr(server, "name", "web"),
    lambda server, flavor: setattr(server, "name", None),
    lambda server, flavor: setattr(server, "name", {}),
    lambda server, flavor: setattr(server, "flavor", flavor(name="small", vcpus=1)),
    lambda server, flavor: setattr(server, "flavor", None),
    lambda server, flavor: setattr(server.flavor, "vcpus", 2),
    lambda server, flavor: delattr(server, "name"),
    lambda server, flavor: setattr(server, "number", 1),
    lambda server, flavor: setattr(server, "number", 2),
    lambda server, flavor: server.former,
    lambda server, flavor: server.name,
    lambda server, flavor: server.title,
    lambda server, flavor: server.obj_reset_changes(recursive=True),
    lambda server, flavor: server.obj_reset_changes(),
    lambda server, flavor: server.obj_attr_is_set("title"),
    lambda server, flavor: server.obj_attr_is_set("nonsense"),
    lambda server, flavor: "nonsense" in server,
    lambda server, flavor: server.obj_clone().obj_what_changed(),
)


def life(classes: tuple[Any, Any], seed: int) -> list[object]:
    """What an object answers, whatever is done with it."""
    flavor, kind = classes
    server, chance = kind(), random.Random(seed)
    seen: list[object] = []
    for _ in range(12):
        act = chance.choice(ACTS)
        seen.append(told(lambda act=act: act(server, flavor)))
        seen.append(server.obj_what_changed())
        seen.append([server.obj_attr_is_set(name) for name in kind.fields])
    return seen


@pytest.fixture(scope="module")
def upstreams_lives() -> list[list[object]]:
    classes = object_classes()
    return [life(classes, seed) for seed in range(200)]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("object-changes", marks=pytest.mark.replaces("object-changes")),
    ],
)
def test_objects_answer_the_same_whatever_is_done(name: str, upstreams_lives: Any, installed: Any) -> None:
    classes = object_classes()
    assert [life(classes, seed) for seed in range(200)] == upstreams_lives


@pytest.mark.replaces("policy-rule-arguments")
@pytest.mark.parametrize("creds", ["policy", "old", "else"])
def test_rules_are_checked_as_before(creds: str, both: Any) -> None:
    from oslo_policy import _checks

    class Named(_checks.BaseCheck):
        def __str__(self) -> str:
            return "named"

        def __call__(self, target: Any, creds: Any, enforcer: Any, current_rule: Any = None) -> bool:
            return bool(creds == current_rule)

    class Old(Named):
        def __call__(self, target: Any, creds: Any, enforcer: Any) -> bool:
            return bool(creds == "old")

    theirs, ours = both.functions
    for rule in (Named(), Old(), _checks.TrueCheck(), _checks.AndCheck([Named(), Old()]), Named()):
        asked = (rule, {}, creds, None, "policy")
        assert ours(*asked) == theirs(*asked)


def enforcer(folder: Path, *, named: bool = True) -> Any:
    from oslo_config import cfg
    from oslo_policy import opts, policy

    conf = cfg.ConfigOpts()
    opts.set_defaults(conf, policy_file=str(folder / "policy.yaml") if named else "policy.yaml")
    conf(["--config-dir", str(folder)])
    made = policy.Enforcer(conf)
    made.suppress_default_change_warnings = True
    made.register_default(policy.RuleDefault("get", "role:reader"))
    return made


@pytest.mark.replaces("policy-files")
@pytest.mark.parametrize("file", ["", "get: role:boss\n", "get: '!'\nput: role:member\n"])
def test_the_same_is_allowed_also_of_rules_that_come_later(file: str, tmp_path: Path, both: Any) -> None:
    from oslo_policy import policy

    if file:
        (tmp_path / "policy.yaml").write_text(file)
    seen = []
    for load in both.functions:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(policy.Enforcer, "load_rules", load)
            rules = enforcer(tmp_path)
            answers = []
            for action in ("get", "put", "get"):
                for role in ("reader", "member", "boss"):
                    answers.append(rules.enforce(action, {}, {"roles": [role]}))
                if action == "get" and "put" not in rules.registered_rules:
                    rules.register_default(policy.RuleDefault("put", "role:reader"))
            rules.clear()
            answers.append(rules.enforce("get", {}, {"roles": ["reader"]}))
            seen.append(answers)
    assert seen[0] == seen[1]
    assert any(seen[0])


@pytest.mark.replaces("policy-files")
@pytest.mark.parametrize("named", [True, False], ids=["by its path", "by its name"])
def test_files_that_come_change_and_go_are_noticed_as_upstream_does(
    named: bool, tmp_path: Path, both: Any
) -> None:
    from oslo_policy import policy

    def life(folder: Path) -> list[bool]:
        folder.mkdir()
        rules = enforcer(folder, named=named)
        file, further = folder / "policy.yaml", folder / "policy.d"
        seen, now = [], [1_700_000_000]

        def look(*changed: Path) -> None:
            now[0] += 10
            for each in changed:
                os.utime(each, (now[0], now[0]))
            seen.extend(rules.enforce("get", {}, {"roles": [role]}) for role in ("reader", "boss", "member"))

        look()
        file.write_text("get: role:boss\n")
        look(file)
        file.write_text("get: role:member\n")
        look(file)
        further.mkdir()
        look(further)
        (further / "more.yaml").write_text("get: role:boss\n")
        look(further / "more.yaml", further)
        (further / "more.yaml").write_text("get: '!'\n")
        look(further / "more.yaml")
        (further / "more.yaml").unlink()
        look(further)
        file.unlink()
        look()
        look()
        return seen

    seen = []
    for number, load in enumerate(both.functions):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(policy.Enforcer, "load_rules", load)
            seen.append(life(tmp_path / str(number)))
    assert seen[0] == seen[1]
    assert seen[0][:9] == [True, False, False, False, True, False, False, False, True]


@pytest.mark.replaces("policy-files")
def test_rules_are_not_put_together_where_nothing_changed(tmp_path: Path, both: Any) -> None:
    from oslo_policy import policy

    loaded: list[int] = []
    theirs, _ = both.functions

    def load(self: Any, force_reload: bool = False) -> None:
        loaded.append(1)
        theirs(self, force_reload)

    (entry,) = (each for each in policies.ENTRIES if each.name == "policy-files")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(policy.Enforcer, "load_rules", entry.build(load)[0])
        rules = enforcer(tmp_path)
        for _ in range(50):
            assert rules.enforce("get", {}, {"roles": ["reader"]})
    assert len(loaded) == 1


@pytest.mark.replaces("idle-threads")
def test_a_pool_does_its_work_and_ends_sooner(both: Any) -> None:
    import futurist
    from futurist._thread import ThreadWorker

    theirs, ours = both.functions
    assert 0 < ours < theirs
    seen = []
    for idle in both.functions:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ThreadWorker, "MAX_IDLE_FOR", idle)
            with futurist.ThreadPoolExecutor(max_workers=3) as pool:
                time.sleep(3 * ours)
                seen.append([pool.submit(pow, number, 2).result() for number in range(9)])
    assert seen[0] == seen[1] == [number**2 for number in range(9)]


@pytest.mark.replaces("one-processor")
def test_what_a_thread_on_one_processor_starts_may_run_on_all(both: Any) -> None:
    theirs, ours = both.functions
    allowed = sorted(os.sched_getaffinity(0))
    ask = [sys.executable, "-c", "import json, os; print(json.dumps(sorted(os.sched_getaffinity(0))))"]
    seen: dict[str, Any] = {}

    def pinned() -> None:
        os.sched_setaffinity(0, {allowed[-1]})
        for name, start in (("theirs", theirs), ("ours", ours)):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(subprocess.Popen, "__init__", start)
                seen[name] = json.loads(subprocess.run(ask, capture_output=True, check=True).stdout)
                with pytest.raises(FileNotFoundError):
                    subprocess.run(["/nonexistent"], check=False)
                seen["after"] = sorted(os.sched_getaffinity(0))

    thread = threading.Thread(target=pinned)
    thread.start()
    thread.join()
    assert seen == {"theirs": [allowed[-1]], "ours": allowed, "after": [allowed[-1]]}
