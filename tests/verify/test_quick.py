"""`quick` reports failures as steps, says what it leaves out, and removes what it made whatever happens."""

import json
import signal
from types import SimpleNamespace

import pytest
from openstack import exceptions

from onestack.core.errors import PermanentError
from onestack.core.events import silent
from onestack.health.verify import tenant
from onestack.health.verify.quick import quick
from onestack.health.verify.report import Recorder


class Identity:
    """An Identity API that remembers projects and users."""

    def __init__(self, projects=(), users=(), refuse_users=None):
        self.all_projects = {project.id: project for project in projects}
        self.all_users = {user.id: user for user in users}
        self._refuse_users = refuse_users

    def find_role(self, name):
        return SimpleNamespace(name=name)

    def create_project(self, name, domain_id, description):
        project = SimpleNamespace(id=f"p-{name}", name=name, domain_id=domain_id, description=description)
        self.all_projects[project.id] = project
        return project

    def create_user(self, name, **rest):
        if self._refuse_users:
            raise self._refuse_users
        user = SimpleNamespace(id=f"u-{name}", name=name, **rest)
        self.all_users[user.id] = user
        return user

    def assign_project_role_to_user(self, project, user, role):
        assert role.name == "member"

    def projects(self):
        return list(self.all_projects.values())

    def users(self):
        return list(self.all_users.values())

    def delete_user(self, ident):
        del self.all_users[ident]

    def delete_project(self, ident):
        del self.all_projects[ident]


def cloud(identity, types=("identity",)):
    access = SimpleNamespace(service_catalog=SimpleNamespace(catalog=[{"type": name} for name in types]))
    auth = SimpleNamespace(get_access=lambda session: access)
    return SimpleNamespace(identity=identity, session=SimpleNamespace(auth=auth))


def test_a_cloud_with_identity_alone_is_checked_as_far_as_it_goes():
    identity = Identity()
    report = quick(lambda **who: cloud(identity), silent)
    assert report.ok
    assert report.exit_status == 0
    assert [result.name for result in report.steps] == ["catalogue", "leftovers", "tenants", "removal"]
    assert [line.partition(":")[0] for line in report.left_out] == ["dashboard", "image", "network", "server"]
    assert (identity.projects(), identity.users()) == ([], [])


def test_users_connect_as_themselves_with_passwords_of_their_own():
    asked = []
    identity = Identity()

    def connect(**who):
        asked.append(who)
        return cloud(identity)

    quick(connect, silent)
    admin, *users = asked
    assert admin == {}
    assert len({who["password"] for who in users}) == 2
    assert all(who["user"] == who["project"] and who["user"].startswith(tenant.PREFIX) for who in users)


def test_leftovers_of_a_killed_run_go_and_others_stay():
    def project(ident, name, description):
        return SimpleNamespace(id=ident, name=name, description=description)

    old = project("1", f"{tenant.PREFIX}dead-a", tenant.DESCRIPTION)
    same_name = project("2", f"{tenant.PREFIX}mine", "a project of somebody who likes the name")
    users = [
        SimpleNamespace(id="u1", name=f"{tenant.PREFIX}dead-a"),
        SimpleNamespace(id="u2", name="alice"),
    ]
    identity = Identity([old, same_name], users)
    report = quick(lambda **who: cloud(identity), silent)
    assert report.ok
    assert report.steps[1].outcome == "1 of an earlier run removed"
    assert identity.projects() == [same_name]
    assert [user.name for user in identity.users()] == ["alice"]


def test_a_failure_is_a_step_that_says_where_to_look_and_all_is_removed():
    identity = Identity(refuse_users=exceptions.HttpException("no users today"))
    events = []
    report = quick(lambda **who: cloud(identity), events.append)
    assert not report.ok
    (failed,) = report.failed
    assert failed.name == "tenants"
    assert "no users today" in failed.error["error"]
    assert "keystone" in failed.error["hint"]
    assert identity.projects() == []
    assert ("tenants", "failed") in [(event.step, event.state) for event in events]
    assert json.loads(json.dumps(report.as_dict()))["ok"] is False


def test_a_cloud_that_does_not_answer_is_one_failed_step():
    def connect(**who):
        raise exceptions.SDKException("connection refused")

    report = quick(connect, silent)
    assert [(result.name, result.ok) for result in report.steps] == [("catalogue", False)]
    assert report.exit_status == 1


def test_ctrl_c_removes_first_and_is_raised_again():
    identity = Identity(refuse_users=KeyboardInterrupt())
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        quick(lambda **who: cloud(identity), silent)
    assert identity.projects() == []
    assert signal.getsignal(signal.SIGINT) is before


def test_a_check_goes_on_and_a_step_does_not():
    record = Recorder(silent)
    with record.check("first", hint="a log"):
        raise PermanentError("broken", hint="mend it")
    with record.step("second", hint="a log") as at:
        at.outcome = "seen"
    with pytest.raises(PermanentError), record.step("third", hint="a log"):
        raise ValueError("odd")
    report = record.report()
    assert [(result.name, result.ok) for result in report.steps] == [
        ("first", False),
        ("second", True),
        ("third", False),
    ]
    assert report.steps[0].error == {"error": "broken", "hint": "mend it"}
    assert report.steps[1].outcome == "seen"
    assert report.steps[2].error == {"error": "ValueError: odd", "hint": "see: a log"}
