"""rsync's remote shell and its server: as ssh would do it, for the compute hosts of one cloud and nobody else."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import shlex
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from migration.conftest import HOSTS, STRANGER, write
from onestack.core import contract
from onestack.core.wait import until
from onestack_runtime.drivers.rsync import channel, sandbox, server

RUNTIME = Path(__file__).parents[2] / "runtime/src"


@dataclass
class Far:
    """The server of n1. `work`: the folder with what each host has in /etc/onestack."""

    work: Path

    def shell(
        self, *words: str, host: str = "n1", me: str = "c1", given: bytes = b""
    ) -> tuple[int, bytes, str]:
        """What rsync's remote shell says on host `me`: status, output, errors."""
        module = [sys.executable, "-P", "-m", contract.RSYNC_SHELL, host, *words]
        environment = {"PYTHONPATH": str(RUNTIME), contract.ETC_VARIABLE: str(self.work / me)}
        done = subprocess.run(
            module, input=given, capture_output=True, env=environment, timeout=60, check=False
        )
        return done.returncode, done.stdout, done.stderr.decode()


def free_port() -> int:
    with socket.socket() as made:
        made.bind((HOSTS["n1"], 0))
        return int(made.getsockname()[1])


@pytest.fixture
def far(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Far]:
    """Whatever it is asked for it runs, without a sandbox, in a shell; nothing of it fails unnoticed."""
    write(tmp_path, tmp_path, free_port())
    monkeypatch.setattr(channel, "ETC", tmp_path / "n1")

    def anything(words: Sequence[str], folder: str) -> list[str]:
        if words[0] == "refuse":
            raise ValueError("not allowed")
        return ["sh", "-c", shlex.join(words) if words[0] != "sh" else words[1]]

    monkeypatch.setattr(sandbox, "command", anything)
    known = channel.settings()
    loop = asyncio.new_event_loop()
    wrong: list[dict[str, object]] = []
    loop.set_exception_handler(lambda _, context: wrong.append(context))
    # Signals are the main thread's.
    monkeypatch.setattr(loop, "add_signal_handler", lambda *_: None, raising=False)
    made = server.Server(known)

    def serve() -> None:
        asyncio.set_event_loop(loop)
        with contextlib.suppress(asyncio.CancelledError):
            loop.run_until_complete(made.serve())

    thread = threading.Thread(target=serve)
    thread.start()
    until("the server", lambda: (Path(known["socket"]).exists(), ""), seconds=30, every=0.02)
    yield Far(tmp_path)

    def end() -> None:
        for task in asyncio.all_tasks(loop):
            task.cancel()

    loop.call_soon_threadsafe(end)
    thread.join(30)
    loop.close()
    gc.collect()
    assert not wrong


def test_input_output_errors_and_status_arrive(far: Far) -> None:
    data = os.urandom(3 * channel.CHUNK + 7)
    assert far.shell("cat", given=data) == (0, data, "")
    status, output, errors = far.shell("sh", "echo out; echo wrong >&2; exit 23")
    assert (status, output, errors) == (23, b"out\n", "wrong\n")


def test_a_host_is_known_by_its_address_and_by_its_name(far: Far) -> None:
    for word in ("n1", HOSTS["n1"]):
        assert far.shell("echo", "yes", host=word)[1] == b"yes\n"
    status, _, errors = far.shell("echo", host="192.0.2.1")
    assert status == 255
    assert "192.0.2.1 is none of this cloud's compute hosts" in errors


def test_a_program_that_ends_before_its_input_does(far: Far) -> None:
    assert far.shell("sh", "exit 3", given=os.urandom(8 * channel.CHUNK))[0] == 3


def test_a_certificate_of_the_cloud_is_not_enough(far: Far) -> None:
    status, output, errors = far.shell("echo", "yes", me=STRANGER)
    assert (status, output) == (126, b"")
    assert "x9 is none of this cloud's compute hosts" in errors


def test_what_is_not_allowed_is_not_run(far: Far) -> None:
    status, _, errors = far.shell("refuse")
    assert status == 126
    assert errors == "not allowed\n"


@pytest.mark.parametrize("content", [b"7", b"[7]", b'"rsync"', b"{", b"\xff"])
def test_what_is_no_command_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError):
        server.words_of(channel.COMMAND, content)
    with pytest.raises(ValueError, match="no command"):
        server.words_of(channel.INPUT, b'["rsync"]')


def test_without_a_certificate_nothing_is_asked(far: Far) -> None:
    context = ssl.create_default_context(cafile=far.work / "c1/tls/ca.pem")
    port = channel.settings()["port"]
    with socket.create_connection((HOSTS["n1"], port), 10) as plain:
        secured = context.wrap_socket(plain, server_hostname=HOSTS["n1"])
        # In TLS 1.3 the server says so after the handshake.
        with pytest.raises((ssl.SSLError, ConnectionError)):
            secured.sendall(b"C\x00\x00\x00\x02[]")
            if not secured.recv(1):
                raise ConnectionResetError


def test_another_host_than_the_one_that_is_meant_is_not_asked(far: Far) -> None:
    """A host that took another's address has no certificate for it."""
    (far.work / "c1" / contract.RSYNC_SETTINGS).write_text(
        (far.work / "c1" / contract.RSYNC_SETTINGS)
        .read_text()
        .replace('"n1": "127.0.0.3"', '"n1": "127.0.0.5"')
    )
    port = channel.settings()["port"]
    forward = socket.create_server(("127.0.0.5", port))

    def relay() -> None:
        client, _ = forward.accept()
        with client, socket.create_connection((HOSTS["n1"], port)) as there:
            both = [threading.Thread(target=_pump, args=pair) for pair in ((client, there), (there, client))]
            for each in both:
                each.start()
            for each in both:
                each.join()

    thread = threading.Thread(target=relay)
    thread.start()
    status, _, errors = far.shell("echo", "yes")
    thread.join(30)
    forward.close()
    assert status == 255
    assert "SSLCertVerificationError" in errors


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def test_what_is_run_ends_with_who_asked_for_it(far: Far, tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    words = [sys.executable, "-P", "-m", contract.RSYNC_SHELL, "n1", "sh", f"echo $$ > {mark}; cat"]
    environment = {"PYTHONPATH": str(RUNTIME), contract.ETC_VARIABLE: str(far.work / "c1")}
    asking = subprocess.Popen(words, stdin=subprocess.PIPE, env=environment)
    until("the command", lambda: (mark.exists() and bool(mark.read_text()), ""), seconds=30, every=0.02)
    pid = int(mark.read_text())
    asking.kill()
    asking.wait()
    assert asking.stdin is not None
    asking.stdin.close()
    until("it to end", lambda: (not Path(f"/proc/{pid}").exists(), ""), seconds=30, every=0.02)
