"""A test that waits until it is ended, and then tidies up: `test_beside.py` runs it by its name."""

from __future__ import annotations

import os
import time
from pathlib import Path

PLACE = "ONESTACK_TEST_ENDED"
"""Names the folder in which it says how far it is."""


def test_it_tidies_up() -> None:
    place = Path(os.environ[PLACE])
    try:
        (place / "runs").touch()
        time.sleep(60)
    finally:
        (place / "heard").touch()
        time.sleep(1)
        (place / "tidied").touch()
