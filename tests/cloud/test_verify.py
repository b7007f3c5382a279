"""The cloud works as its users use it."""

from __future__ import annotations

import pytest

from onestack import Cloud

pytestmark = pytest.mark.cloud


def test_the_quick_check_passes_and_leaves_nothing(cloud: Cloud) -> None:
    report = cloud.verify()
    assert report.ok, report.failed
    assert report.exit_status == 0
    assert not report.left_out
