"""A test's project may use what the suite's own shares: what is used is removed once nobody uses it."""

from types import SimpleNamespace

from kinds.api import Api, served
from onestack.health.verify.suites import leftovers


def test_what_is_shared_goes_after_all_that_may_use_it() -> None:
    """Networks of two projects, one on the other's subnet pool; a pool in use cannot be deleted."""

    def refuse(method: str, path: str) -> str | None:
        used = any(network["id"] == "theirs" for network in api.things["/networks"])
        return "in use" if path == "/subnetpools/pool" and used else None

    api = Api(refuse)
    api.things |= {
        "/networks": [
            {"id": "theirs", "name": "theirs", "project_id": "p2"},
            {"id": "own", "name": "own", "project_id": "p1"},
        ],
        "/subnetpools": [{"id": "pool", "name": "pool", "project_id": "p1"}],
        "/projects": [{"id": "p1", "name": "admin"}, {"id": "p2", "name": "of a test"}],
    }
    with served(api) as admin:
        stage = SimpleNamespace(admin=admin, services=frozenset({"identity", "network"}))
        removed = leftovers._projects(stage, list(admin.identity.projects()))
    assert [path.rpartition("/")[2] for _, path in api.asked] == ["own", "theirs", "pool", "p1", "p2"]
    assert removed == [
        "network own",
        "network theirs",
        "subnet pool pool",
        "project admin",
        "project of a test",
    ]
    assert not api.things["/projects"]
