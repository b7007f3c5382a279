"""The scheduler's filters, as Nova loads them. Run in the base; words: what nova.conf says in [filter_scheduler]."""

import sys
from types import SimpleNamespace

import nova.conf
from nova.scheduler import filters

from onestack_runtime.drivers.volumes import scheduling

available, enabled = sys.argv[1], sys.argv[2].split(",")
*upstreams, ours = enabled
assert upstreams == nova.conf.CONF.filter_scheduler.enabled_filters, "upstream's default is another"

classes = {each.__name__: each for each in filters.HostFilterHandler().get_matching_classes([available])}
assert classes.keys() > set(enabled)

assert scheduling.is_local('{"driver_volume_type": "onestack_file"}')
assert scheduling.is_local('{"driver_volume_type": "onestack_lvm"}')
for other in (None, "", "null", "[]", "{", '{"driver_volume_type": "rbd"}'):
    assert not scheduling.is_local(other), other

hosts = [SimpleNamespace(host=name) for name in ("c1", "n1", "n2")]


def passed(own, **hints):
    scheduling.bound_to = lambda spec: own
    spec = {"scheduler_hints": hints}

    class Spec(dict):
        scheduler_hints = hints

    return [each.host for each in classes[ours]().filter_all(hosts, Spec(spec))]


assert passed(None) == ["c1", "n1", "n2"]
assert passed("c1") == ["c1"]
assert passed("c1", _nova_check_type=["rebuild"]) == ["c1", "n1", "n2"]
