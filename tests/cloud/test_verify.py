"""The cloud works as its users use it."""

from __future__ import annotations

import pytest

from cloud import outside
from onestack import Cloud

pytestmark = pytest.mark.cloud


def test_the_quick_check_passes_and_leaves_nothing(cloud: Cloud) -> None:
    # A cloud with a network namespace of its own has no outside: one is pretended.
    with outside.pretended(cloud) as world:
        report = cloud.verify()
    assert report.ok, report.failed
    assert report.exit_status == 0
    assert not report.left_out
    reached = next(each.outcome for each in report.steps if each.name == "outbound access")
    assert f"the gateway {outside.GATEWAY} answers" in reached
    assert f"the DNS server {world.resolver} answers" in reached or not world.resolver
