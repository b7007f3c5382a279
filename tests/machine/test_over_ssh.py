"""The same over a real ssh connection to this machine, also where it is cut in the middle of a question."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from onestack.core.errors import PermanentError, TemporaryError
from onestack.core.wait import until
from onestack.host import base
from onestack.host.machine import Condition, File, LocalMachine, Machine, RemoteMachine, ssh

pytestmark = pytest.mark.cloud


@dataclass(frozen=True)
class Server:
    """An sshd of the test's own, on loopback, and the client's configuration that leads there."""

    port: int
    configuration: Path

    @property
    def address(self) -> ssh.Address:
        return ssh.Address("far", configuration=self.configuration)


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if not Path("/usr/sbin/sshd").exists():
        base.install_packages(["openssh-server"])
    place = tmp_path_factory.mktemp("sshd")
    place.chmod(0o700)
    for name in ("host", "user", "stranger"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(place / name)], check=True)
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    shutil.copy(place / "user.pub", place / "authorized")
    port = free_port()
    (place / "sshd.conf").write_text(
        f"ListenAddress 127.0.0.1:{port}\nHostKey {place}/host\nAuthorizedKeysFile {place}/authorized\n"
        f"PidFile {place}/pid\nPasswordAuthentication no\nStrictModes no\nPermitRootLogin prohibit-password\n"
    )
    hosts = place / "known"
    hosts.write_text(f"[127.0.0.1]:{port} {(place / 'host.pub').read_text()}")
    (place / "client.conf").write_text(client(place, port, "user"))
    daemon = subprocess.Popen(["/usr/sbin/sshd", "-D", "-e", "-f", str(place / "sshd.conf")])
    try:
        until("sshd to listen", lambda: (reached(port), ""), seconds=20)
        yield Server(port, place / "client.conf")
    finally:
        daemon.terminate()
        daemon.wait()


def client(place: Path, port: int, key: str) -> str:
    return (
        f"Host far\n HostName 127.0.0.1\n Port {port}\n User root\n IdentityFile {place}/{key}\n IdentitiesOnly yes\n"
        f" UserKnownHostsFile {place}/known\n HostKeyAlias [127.0.0.1]:{port}\n"
    )


def reached(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@pytest.fixture
def far(server: Server) -> Iterator[RemoteMachine]:
    with RemoteMachine("far", ssh.command(server.address)) as found:
        yield found


def test_facts_commands_files_and_readiness(far: RemoteMachine, tmp_path: Path) -> None:
    assert far.facts().addresses == LocalMachine().facts().addresses
    assert far.run(["printf", "%s|", "a b", "$HOME", "'", "é"]).output == "a b|$HOME|'|é|"
    # No secret stands in a list of processes: what is asked goes over the connection.
    assert "very secret" not in far.run(["ps", "-ww", "-eo", "args"], text_in="very secret").output
    large = tmp_path / "large"
    assert far.write_files({large: File(bytes(3_000_000), 0o600)}) == [large]
    assert far.read_file(large) == bytes(3_000_000)
    threading.Timer(0.5, (tmp_path / "late").touch).start()
    assert "written" in far.wait_ready("it", Condition(written=(tmp_path / "late", 60.0), seconds=20))
    assert far.interfaces() == LocalMachine().interfaces()


def test_a_wrong_key_and_a_closed_port(server: Server, tmp_path: Path) -> None:
    place = server.configuration.parent
    for name, text, says in (
        ("stranger", client(place, server.port, "stranger"), "Permission denied"),
        ("closed", client(place, free_port(), "user"), "Connection refused"),
    ):
        (tmp_path / name).write_text(text)
        with pytest.raises(PermanentError, match="far cannot be reached") as failed:
            RemoteMachine("far", ssh.command(ssh.Address("far", configuration=tmp_path / name)))
        assert says in failed.value.detail


class Relay:
    """Passes a connection on to a port, until it has passed so many bytes of what the client sends."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._left: float = float("inf")
        self._pair: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            one, _ = self._listener.accept()
            other = socket.create_connection(("127.0.0.1", self._port))
            self._pair = [one, other]
            threading.Thread(target=self._pass, args=(other, one, False), daemon=True).start()
            self._pass(one, other, True)

    def _pass(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1024):
                if counted:
                    data = data[: int(min(len(data), self._left))]
                    self._left -= len(data)
                target.sendall(data)
                if self._left <= 0:
                    self.cut()

    def cut_after(self, count: int) -> None:
        self._left = count
        if not count:
            self.cut()

    def cut(self) -> None:
        for each in self._pair:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self.cut()
        self._listener.close()


@contextmanager
def through_relay(server: Server, tmp_path: Path) -> Iterator[tuple[RemoteMachine, Relay]]:
    relay = Relay(server.port)
    place, file = server.configuration.parent, tmp_path / f"client-{relay.port}.conf"
    known = f" HostKeyAlias [127.0.0.1]:{server.port}\n"
    file.write_text(client(place, relay.port, "user").split(" HostKeyAlias")[0] + known)
    try:
        with RemoteMachine("far", ssh.command(ssh.Address("far", configuration=file))) as found:
            yield found, relay
    finally:
        relay.close()


SENT = bytes(range(256)) * 200


def asked(tmp_path: Path) -> dict[str, Callable[[Machine], object]]:
    late = Condition(written=(tmp_path / "never", 60.0), seconds=30)
    return {
        "facts": lambda machine: machine.facts(),
        "run": lambda machine: machine.run(["sleep", "30.125"]),
        "write_files": lambda machine: machine.write_files({tmp_path / "file": File(SENT)}),
        "wait_ready": lambda machine: machine.wait_ready("it", late),
    }


@pytest.mark.parametrize("verb", ["facts", "run", "write_files", "wait_ready"])
@pytest.mark.parametrize("count", [0, 400, 30_000])
def test_a_connection_that_is_cut(server: Server, tmp_path: Path, verb: str, count: int) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"old")
    with through_relay(server, tmp_path) as (machine, relay):
        # Short questions are through before the cut, long ones are not; then it is cut while they are answered.
        relay.cut_after(count)
        timer = threading.Timer(1.0, relay.cut)
        timer.start()
        try:
            asked(tmp_path)[verb](machine)
            assert verb in ("facts", "write_files")
        except TemporaryError as lost:
            assert "connection to far was lost" in lost.summary
            assert lost.hint
        timer.cancel()
    # What was sent is there as a whole, or what was there before.
    assert file.read_bytes() in (b"old", SENT)
    assert sorted(each.name for each in tmp_path.iterdir() if "client" not in each.name) == ["file"]
    words = ["ps", "-eo", "args"]
    until(
        "what ran to end",
        lambda: ("sleep 30.125" not in LocalMachine().run(words).output.splitlines(), ""),
        seconds=20,
    )
