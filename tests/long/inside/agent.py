"""Runs commands for the test, inside the machine: JSON lines over a virtio serial port, without a network.

Each command is a systemd unit of its own, as each login is a session of its own: what it leaves behind in that unit
ends with it. Every few seconds it says how much the processors have worked: by that the other side tells a slow
machine from one that stands still.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

HEARTBEAT = 5.0
_TICKS = os.sysconf("SC_CLK_TCK")
_writing = threading.Lock()


def busy() -> float:
    """Seconds that the processors have worked since the machine started."""
    words = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    idle, waiting = int(words[3]), int(words[4])
    return (sum(map(int, words[:8])) - idle - waiting) / _TICKS


def run(request: dict[str, Any], port: int) -> None:
    unit = ["systemd-run", "--quiet", "--pipe", "--wait", "--collect", "--working-directory=/root/onestack"]
    variables = {"HOME": "/root", "LANG": "C.UTF-8", **request.get("environment", {})}
    settings = [f"--setenv={name}={value}" for name, value in variables.items()]
    process = subprocess.Popen(
        # `env` finds the program as a shell does, also relative to the folder.
        [*unit, *settings, "--", "env", "--", *request["argv"]],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert process.stdout is not None
    for line in process.stdout:
        say(port, id=request["id"], line=line.rstrip("\n"))
    say(port, id=request["id"], status=process.wait())


def say(port: int, **what: object) -> None:
    data = json.dumps(what).encode() + b"\n"
    with _writing:
        while data:
            data = data[os.write(port, data) :]


def beat(port: int, boot: str) -> None:
    while True:
        say(port, boot=boot, busy=busy())
        time.sleep(HEARTBEAT)


def main() -> None:
    port = os.open(sys.argv[1], os.O_RDWR)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    threading.Thread(target=beat, args=(port, boot), daemon=True).start()
    with os.fdopen(os.dup(port), "rb") as requests:
        for line in requests:
            threading.Thread(target=run, args=(json.loads(line), port), daemon=True).start()


if __name__ == "__main__":
    main()
