"""What programs write goes to the machine's syslog where the spec says so, with their names: a real supervisord."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from onestack.host.supervisor import Program, configuration

# A /dev of its own, with the test's socket as /dev/log: the machine's syslog, if it has one, hears nothing.
_OWN_DEV = """
mkdir "$1/dev"; cp -a /dev/null /dev/urandom /dev/zero /dev/random "$1/dev"; ln -s "$1/log" "$1/dev/log"
mount --bind "$1/dev" /dev
exec "$2" -m onestack.host.supervisord -n -c "$1/supervisord.conf"
"""


@pytest.mark.parametrize("wanted", [True, False])
def test_lines_are_sent_only_where_it_is_wanted(tmp_path: Path, wanted: bool) -> None:
    if os.geteuid() != 0:
        pytest.skip("mounts need root")
    words = ("sh", "-c", "echo a line; echo another >&2; sleep 1000")
    program = Program("nova", words, {}, tmp_path / "nova.log")
    text = configuration([program], tmp_path, tmp_path, syslog=wanted).replace("autostart = false", "")
    (tmp_path / "supervisord.conf").write_text(text)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as syslog:
        syslog.bind(str(tmp_path / "log"))
        syslog.settimeout(30.0 if wanted else 3.0)
        command = ["unshare", "--mount", "sh", "-ec", _OWN_DEV, "sh", str(tmp_path), sys.executable]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as started:
            try:
                if wanted:
                    heard = [syslog.recv(4096).decode() for _ in range(2)]
                    assert [each.partition("onestack: ")[2] for each in heard] == [
                        "nova a line",
                        "nova another",
                    ]
                else:
                    with pytest.raises(TimeoutError):
                        syslog.recv(4096)
            finally:
                started.terminate()
    assert (tmp_path / "nova.log").read_text() == "a line\nanother\n"
