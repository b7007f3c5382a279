"""What Neutron tells Nova of changed ports: all but what Nova did itself."""

from __future__ import annotations

from onestack_runtime import nova_events


def test_nova_is_not_told_of_its_own_update() -> None:
    assert nova_events.is_echo("update_port", "neutron", "neutron")


def test_nova_is_told_what_others_do_and_what_is_deleted() -> None:
    assert not nova_events.is_echo("update_port", "admin", "neutron")
    assert not nova_events.is_echo("update_port", None, "neutron")
    assert not nova_events.is_echo("delete_port", "neutron", "neutron")
    assert not nova_events.is_echo("update_floatingip", "neutron", "neutron")
