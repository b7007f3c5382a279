"""How one knows that a process works: what is asked, and what counts as an answer."""

from __future__ import annotations

import os
import time
from pathlib import Path

from onestack.host import ready


def test_a_file_that_is_written_again_and_again_is_a_heartbeat(tmp_path: Path) -> None:
    file = tmp_path / "status.json"
    assert ready.written(file, 60.0) == (False, "no file (FileNotFoundError)")
    file.touch()
    assert ready.written(file, 60.0)[0]
    before = time.time() - 90
    os.utime(file, (before, before))
    assert ready.written(file, 60.0) == (False, "written 90 s ago")
