"""What the status says beside the processes: what the autoscaler last wrote."""

from __future__ import annotations

import json
from pathlib import Path

from onestack.autoscaling.status import FILE
from onestack.health.status import scaling_problems


def test_what_keeps_groups_back_is_said_with_their_names(tmp_path: Path) -> None:
    file = tmp_path / FILE
    assert list(scaling_problems(tmp_path)) == [], "no autoscaler, no file"
    groups = {
        "1": {"name": "web", "project": "p1", "problems": ["Quota exceeded"]},
        "2": {"name": "api", "project": "p1", "problems": []},
    }
    file.write_text(json.dumps({"groups": groups, "problems": ["guests: libvirt is away"]}))
    assert list(scaling_problems(tmp_path)) == [
        "scaling group web of project p1: Quota exceeded",
        "guests: libvirt is away",
    ]
    file.write_text('{"groups": {')
    assert list(scaling_problems(tmp_path)) == [], "a kill left it incomplete"
