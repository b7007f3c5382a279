"""All that a project holds is removed, in an order in which the cloud allows it, and nothing of others."""

from types import SimpleNamespace

from onestack.health.verify.removal import Holdings

ALL = frozenset({"identity", "image", "network", "compute"})


class FakeCloud:
    """A cloud that forbids what OpenStack forbids: what is in use cannot be removed."""

    def __init__(self):
        thing = SimpleNamespace
        self.things = {
            "server": [thing(id="s1", name="vm", project_id="p1")],
            "ip": [thing(id="f1", floating_ip_address="172.24.4.20", project_id="p1")],
            "router": [thing(id="r1", name="router", project_id="p1")],
            "port": [
                thing(
                    id="i1", name="", project_id="p1", device_id="r1", device_owner="network:router_interface"
                ),
                thing(
                    id="m1", name="", project_id="p1", device_id="dhcp", device_owner="network:distributed"
                ),
                thing(id="v1", name="nic", project_id="p1", device_id="s1", device_owner="compute:nova"),
            ],
            "network": [thing(id="n1", name="net", project_id="p1")],
            "group": [
                thing(id="g1", name="web", project_id="p1"),
                thing(id="g2", name="default", project_id="p1"),
                thing(id="g3", name="default", project_id="p2"),
            ],
            "image": [thing(id="im1", name="mine", owner="p1"), thing(id="im2", name="tiny", owner="p2")],
        }
        self.removed = []
        self.compute = thing(
            servers=lambda details, all_projects, project_id: self._of("server", project_id=project_id),
            delete_server=lambda ident: self._delete("server", ident),
        )
        self.network = thing(
            ips=lambda **q: self._of("ip", **q),
            routers=lambda **q: self._of("router", **q),
            ports=lambda **q: self._of("port", **q),
            networks=lambda **q: self._of("network", **q),
            security_groups=lambda: self._of("group"),
            delete_ip=lambda ident: self._delete("ip", ident),
            remove_interface_from_router=lambda router, port: self._delete("port", port),
            delete_router=lambda ident: self._delete_router(ident),
            delete_port=lambda ident: self._delete("port", ident),
            delete_network=lambda ident: self._delete_network(ident),
            delete_security_group=lambda ident: self._delete("group", ident),
        )
        self.image = thing(
            images=lambda owner: self._of("image"), delete_image=lambda ident: self._delete("image", ident)
        )

    def _of(self, kind, **wanted):
        return [
            each
            for each in self.things[kind]
            if all(getattr(each, name) == value for name, value in wanted.items())
        ]

    def _delete(self, kind, ident):
        self.things[kind] = [each for each in self.things[kind] if each.id != ident]
        self.removed.append(ident)

    def _delete_router(self, ident):
        assert not self._of("port", device_id=ident), "the router has interfaces"
        self._delete("router", ident)

    def _delete_network(self, ident):
        users = [port for port in self.things["port"] if port.device_owner != "network:distributed"]
        assert not users, "the network has ports"
        self.things["port"] = []
        self._delete("network", ident)


def test_everything_goes_in_an_order_that_is_allowed():
    cloud = FakeCloud()
    removed = Holdings(cloud, "p1", ALL, everyone=True).remove()
    assert cloud.removed == ["s1", "f1", "i1", "r1", "v1", "n1", "g1", "g2", "im1"]
    assert [str(each) for each in removed][:3] == [
        "server vm",
        "floating IP 172.24.4.20",
        "router interface i1",
    ]
    assert Holdings(cloud, "p1", ALL, everyone=True).all() == []
    assert [group.id for group in cloud.things["group"]] == ["g3"]
    assert [image.id for image in cloud.things["image"]] == ["im2"]


def test_a_tenant_leaves_its_default_group_to_the_administrator():
    cloud = FakeCloud()
    Holdings(cloud, "p1", ALL).remove()
    assert [str(each) for each in Holdings(cloud, "p1", ALL, everyone=True).all()] == [
        "security group default"
    ]


def test_services_that_are_not_there_are_not_asked():
    cloud = SimpleNamespace(image=FakeCloud().image)
    held = Holdings(cloud, "p1", frozenset({"identity", "image"})).all()
    assert [str(each) for each in held] == ["image mine"]
