"""A test's project may use what the suite's own shares: what is used is removed once nobody uses it."""

from types import SimpleNamespace

from openstack import exceptions

from onestack.health.verify.suites import remains


class FakeNetwork:
    """Networks of two projects, one on the other's subnet pool; a pool in use cannot be deleted."""

    def __init__(self) -> None:
        self.removed: list[str] = []
        self._networks = {"theirs": "p2", "own": "p1"}
        self._pools = {"pool": "p1"}

    def __getattr__(self, name: str) -> object:
        return lambda *words, **more: []

    def networks(self, project_id: str) -> list[SimpleNamespace]:
        return [SimpleNamespace(id=n, name=n) for n, owner in self._networks.items() if owner == project_id]

    def subnet_pools(self, project_id: str) -> list[SimpleNamespace]:
        return [SimpleNamespace(id=n, name=n) for n, owner in self._pools.items() if owner == project_id]

    def delete_network(self, ident: str) -> None:
        del self._networks[ident]
        self.removed.append(ident)

    def delete_subnet_pool(self, pool: SimpleNamespace) -> None:
        if "theirs" in self._networks:
            raise exceptions.ConflictException("in use")
        del self._pools[pool.id]
        self.removed.append(pool.id)


def test_what_is_shared_goes_after_all_that_may_use_it() -> None:
    network = FakeNetwork()
    keystone = SimpleNamespace(delete_project=lambda project: network.removed.append(project.name))
    admin = SimpleNamespace(network=network, identity=keystone, block_storage=None)
    stage = SimpleNamespace(admin=admin, services=frozenset({"identity", "network"}))
    projects = [SimpleNamespace(id="p1", name="admin"), SimpleNamespace(id="p2", name="of a test")]
    said = remains._projects(stage, projects)
    assert network.removed == ["own", "theirs", "pool", "admin", "of a test"]
    assert said == ["network own", "network theirs", "subnet pool pool", "project admin", "project of a test"]
