"""oslo.versionedobjects, oslo.policy, futurist, keystoneauth and subprocess."""

from __future__ import annotations

import json
import os
import random
import socket
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

from keystoneauth1 import session  # noqa: E402
from oslo_versionedobjects import base, fields  # noqa: E402

ENTRIES = (
    "object-changes",
    "policy-rule-arguments",
    "policy-files",
    "idle-threads",
    "one-processor",
    "connection-probes",
)


def test_upstream_source_is_unchanged(entry_name: str, source_changes: Any) -> None:
    assert source_changes(entry_name) == ""


def outcome(call: Callable[[], object]) -> object:
    """The result of a call as a value that can be compared, or its error."""
    try:
        result = call()
    except Exception as error:
        return type(error), str(error)
    return (
        result
        if result is None or isinstance(result, bool | int | str | set | list | tuple)
        else type(result).__name__
    )


def object_classes() -> tuple[Any, Any]:
    """A class of versioned objects, and one with fields of that class.

    They are new for each call, since `objectify` generates the properties of a class once, when it is declared.
    """

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


OPERATIONS: tuple[Callable[[Any, Any], object], ...] = (
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


def outcomes_of_random_operations(classes: tuple[Any, Any], seed: int) -> list[object]:
    """The outcome of each operation on an object, and the state of its fields afterwards."""
    flavor, server_class = classes
    server, rng = server_class(), random.Random(seed)
    outcomes: list[object] = []
    for _ in range(12):
        operation = rng.choice(OPERATIONS)
        outcomes.append(outcome(lambda operation=operation: operation(server, flavor)))
        outcomes.append(server.obj_what_changed())
        outcomes.append([server.obj_attr_is_set(name) for name in server_class.fields])
    return outcomes


@pytest.fixture(scope="module")
def upstream_outcomes() -> list[list[object]]:
    classes = object_classes()
    return [outcomes_of_random_operations(classes, seed) for seed in range(200)]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("object-changes", marks=pytest.mark.replaces("object-changes")),
    ],
)
def test_random_operations_have_the_same_outcomes(name: str, upstream_outcomes: Any, installed: Any) -> None:
    classes = object_classes()
    assert [outcomes_of_random_operations(classes, seed) for seed in range(200)] == upstream_outcomes


@pytest.mark.replaces("policy-rule-arguments")
@pytest.mark.parametrize("creds", ["policy", "old", "else"])
def test_policy_checks_have_the_same_results(creds: str, both: Any) -> None:
    from oslo_policy import _checks

    class CheckOfCurrentRule(_checks.BaseCheck):
        def __str__(self) -> str:
            return "check"

        def __call__(self, target: Any, creds: Any, enforcer: Any, current_rule: Any = None) -> bool:
            return bool(creds == current_rule)

    class CheckWithoutCurrentRule(CheckOfCurrentRule):
        def __call__(self, target: Any, creds: Any, enforcer: Any) -> bool:
            return bool(creds == "old")

    upstream, ours = both.functions
    for rule in (
        CheckOfCurrentRule(),
        CheckWithoutCurrentRule(),
        _checks.TrueCheck(),
        _checks.AndCheck([CheckOfCurrentRule(), CheckWithoutCurrentRule()]),
        CheckOfCurrentRule(),
    ):
        arguments = (rule, {}, creds, None, "policy")
        assert ours(*arguments) == upstream(*arguments)


def make_enforcer(folder: Path, *, absolute: bool = True) -> Any:
    """oslo.policy with one registered rule. `absolute`: whether `policy_file` is set to an absolute path."""
    from oslo_config import cfg
    from oslo_policy import opts, policy

    conf = cfg.ConfigOpts()
    opts.set_defaults(conf, policy_file=str(folder / "policy.yaml") if absolute else "policy.yaml")
    conf(["--config-dir", str(folder)])
    enforcer = policy.Enforcer(conf)
    enforcer.suppress_default_change_warnings = True
    enforcer.register_default(policy.RuleDefault("get", "role:reader"))
    return enforcer


@pytest.mark.replaces("policy-files")
@pytest.mark.parametrize("file", ["", "get: role:boss\n", "get: '!'\nput: role:member\n"])
def test_the_same_is_allowed_also_by_rules_registered_later(file: str, tmp_path: Path, both: Any) -> None:
    from oslo_policy import policy

    if file:
        (tmp_path / "policy.yaml").write_text(file)
    results = []
    for load in both.functions:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(policy.Enforcer, "load_rules", load)
            enforcer = make_enforcer(tmp_path)
            decisions = []
            for action in ("get", "put", "get"):
                for role in ("reader", "member", "boss"):
                    decisions.append(enforcer.enforce(action, {}, {"roles": [role]}))
                if action == "get" and "put" not in enforcer.registered_rules:
                    enforcer.register_default(policy.RuleDefault("put", "role:reader"))
            enforcer.clear()
            decisions.append(enforcer.enforce("get", {}, {"roles": ["reader"]}))
            results.append(decisions)
    assert results[0] == results[1]
    assert any(results[0])


@pytest.mark.replaces("policy-files")
@pytest.mark.parametrize("absolute", [True, False], ids=["absolute path", "file name"])
def test_added_changed_and_removed_policy_files_take_effect_as_upstream(
    absolute: bool, tmp_path: Path, both: Any
) -> None:
    from oslo_policy import policy

    def decisions_after_changes(folder: Path) -> list[bool]:
        folder.mkdir()
        enforcer = make_enforcer(folder, absolute=absolute)
        file, directory = folder / "policy.yaml", folder / "policy.d"
        decisions, now = [], [1_700_000_000]

        def enforce(*changed: Path) -> None:
            now[0] += 10
            for each in changed:
                os.utime(each, (now[0], now[0]))
            decisions.extend(
                enforcer.enforce("get", {}, {"roles": [role]}) for role in ("reader", "boss", "member")
            )

        enforce()
        file.write_text("get: role:boss\n")
        enforce(file)
        file.write_text("get: role:member\n")
        enforce(file)
        directory.mkdir()
        enforce(directory)
        (directory / "more.yaml").write_text("get: role:boss\n")
        enforce(directory / "more.yaml", directory)
        (directory / "more.yaml").write_text("get: '!'\n")
        enforce(directory / "more.yaml")
        (directory / "more.yaml").unlink()
        enforce(directory)
        file.unlink()
        enforce()
        enforce()
        return decisions

    results = []
    for number, load in enumerate(both.functions):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(policy.Enforcer, "load_rules", load)
            results.append(decisions_after_changes(tmp_path / str(number)))
    assert results[0] == results[1]
    assert results[0][:9] == [True, False, False, False, True, False, False, False, True]


@pytest.mark.replaces("policy-files")
def test_rules_are_loaded_once_if_no_file_changed(tmp_path: Path, both: Any) -> None:
    from oslo_policy import policy

    loads: list[int] = []
    upstream, _ = both.functions

    def load(self: Any, force_reload: bool = False) -> None:
        loads.append(1)
        upstream(self, force_reload)

    (entry,) = (each for each in policies.ENTRIES if each.name == "policy-files")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(policy.Enforcer, "load_rules", entry.build(load)[0])
        enforcer = make_enforcer(tmp_path)
        for _ in range(50):
            assert enforcer.enforce("get", {}, {"roles": ["reader"]})
    assert len(loads) == 1


@pytest.mark.replaces("idle-threads")
def test_a_pool_with_a_shorter_idle_time_has_the_same_results(both: Any) -> None:
    import futurist
    from futurist._thread import ThreadWorker

    upstream, ours = both.functions
    assert 0 < ours < upstream
    results = []
    for idle in both.functions:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ThreadWorker, "MAX_IDLE_FOR", idle)
            with futurist.ThreadPoolExecutor(max_workers=3) as pool:
                time.sleep(3 * ours)
                results.append([pool.submit(pow, number, 2).result() for number in range(9)])
    assert results[0] == results[1] == [number**2 for number in range(9)]


@pytest.mark.replaces("one-processor")
def test_a_child_of_a_thread_pinned_to_one_processor_may_run_on_all(both: Any) -> None:
    upstream, ours = both.functions
    available = sorted(os.sched_getaffinity(0))
    command = [sys.executable, "-c", "import json, os; print(json.dumps(sorted(os.sched_getaffinity(0))))"]
    affinity: dict[str, Any] = {}

    def pinned() -> None:
        os.sched_setaffinity(0, {available[-1]})
        for name, start in (("upstream", upstream), ("ours", ours)):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(subprocess.Popen, "__init__", start)
                affinity[name] = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
                with pytest.raises(FileNotFoundError):
                    subprocess.run(["/nonexistent"], check=False)
                affinity["parent"] = sorted(os.sched_getaffinity(0))

    thread = threading.Thread(target=pinned)
    thread.start()
    thread.join()
    assert affinity == {"upstream": [available[-1]], "ours": available, "parent": [available[-1]]}


def socket_options(init_poolmanager: Any, **named: Any) -> dict[tuple[int, int], int]:
    """The options of a session's sockets, by level and name."""
    adapter = session.TCPKeepAliveAdapter()
    init_poolmanager(adapter, 1, 1, **named)
    options = adapter.poolmanager.connection_pool_kw["socket_options"]
    return {(level, name): value for level, name, value in options}


@pytest.mark.replaces("connection-probes")
def test_connections_differ_from_upstreams_in_their_times_alone(both: Any) -> None:
    upstream, ours = both.functions
    theirs, found = socket_options(upstream), socket_options(ours)
    times = {
        (socket.IPPROTO_TCP, name)
        for name in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
    }
    assert {name: value for name, value in theirs.items() if name not in times} == {
        name: value for name, value in found.items() if name not in times
    }
    assert found[socket.IPPROTO_TCP, socket.TCP_KEEPIDLE] < theirs[socket.IPPROTO_TCP, socket.TCP_KEEPIDLE]
    wanted = [(socket.IPPROTO_TCP, socket.TCP_NODELAY, 0)]
    for each in upstream, ours:
        assert socket_options(each, socket_options=wanted) == {wanted[0][:2]: 0}
