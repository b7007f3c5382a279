"""What guests are told to do does it, and what they answer is read right."""

import base64
import os
import stat
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from onestack.health.verify import guest

WGET = """#!/bin/sh
# The last word is the URL; with "-O -" its answer is written out.
for word in "$@"; do url="$word"; done
case "$url" in
*instance-id) echo i-00000001 ;;
*openssh-key) echo "ssh-ed25519 AAAAkey comment" ;;
*10.0.0.5/) exit {private} ;;
*172.24.4.9/) {public} ;;
*) exit 1 ;;
esac
"""


@pytest.fixture
def run_script(tmp_path):
    """Run user data with a web folder and a wget of ours; give the page it published."""

    def run(script, public="exit 0", private=1):
        # This machine's disks are nobody's to write to, and nothing may go on running.
        assert "dd of=" not in script
        assert "&\n" not in script
        tools, web = tmp_path / "bin", tmp_path / "www"
        tools.mkdir()
        web.mkdir()
        (tools / "wget").write_text(WGET.format(public=public, private=private))
        (tools / "sleep").write_text("#!/bin/sh\n")
        for tool in tools.iterdir():
            tool.chmod(tool.stat().st_mode | stat.S_IXUSR)
        file = tmp_path / "user_data"
        file.write_text(script.replace("/var/www /srv/www", f"{tmp_path}/none {web}"))
        said = subprocess.run(
            ["/bin/sh", str(file)],
            env={"PATH": f"{tools}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=True,
        )
        return guest.facts((web / guest.REPORT).read_text()), guest.facts(said.stdout)

    return run


def test_the_first_guest_says_who_it_is(run_script):
    page, console = run_script(guest.identity_script("c0ffee", disks=False))
    assert page == {"token": "c0ffee", "instance": "i-00000001", "key": "AAAAkey"}
    assert console == {"token": "c0ffee"}


@pytest.mark.parametrize(
    ("public", "private", "seen"),
    [
        ("exit 0", 1, {"public": "reached", "again": "4", "private": "blocked"}),
        ("exit 0", 0, {"public": "reached", "again": "4", "private": "reached"}),
        ("exit 1", 1, {"public": "blocked", "again": "0", "private": "blocked"}),
        # As where only the first packet of a path gets through.
        ("mkdir $0.once", 1, {"public": "reached", "again": "0", "private": "blocked"}),
    ],
)
def test_the_second_guest_says_what_it_reaches(run_script, public, private, seen):
    script = guest.isolation_script("c0ffee", "172.24.4.9", "10.0.0.5", tries=2)
    page, console = run_script(script, public, private)
    assert page == {"token": "c0ffee", **seen}
    assert console == {name: value for name, value in seen.items() if name != "again"}


def test_only_the_part_about_disks_writes_to_disks():
    whole = guest.identity_script("c0ffee")
    assert whole.startswith(guest.identity_script("c0ffee", disks=False))
    assert "dd of=$disk" in whole


def test_what_looks_at_disks_is_left_to_run_at_every_boot():
    script = guest.identity_script("c0ffee")
    said = subprocess.run(["/bin/sh", "-n"], input=script, capture_output=True, text=True, check=False)
    assert (said.returncode, said.stderr) == (0, "")
    kept = script.partition("<<'END'\n")[2].partition("\nEND\n")
    assert kept[0].startswith("#!/bin/sh\nfor folder in /var/www")
    assert "echo -n c0ffee" in kept[0]
    assert "{" not in kept[0].replace("${", "")
    assert kept[2].endswith("per-boot/onestack-disks\n")


def test_user_data_is_a_script_in_base64():
    assert base64.b64decode(guest.encoded(guest.identity_script("x"))).startswith(b"#!/bin/sh\n")


def test_the_images_page_is_read():
    assert guest.facts("hostname=onestack-verify-1-a-vm address=10.234.56.17\n") == {
        "hostname": "onestack-verify-1-a-vm",
        "address": "10.234.56.17",
    }
    assert guest.facts("<html>") == {}


class _Pages(BaseHTTPRequestHandler):
    def do_GET(self):
        text = {"/": b"hostname=a address=b\n", "/empty": b""}.get(self.path)
        self.send_response(404 if text is None else 200)
        self.end_headers()
        self.wfile.write(text or b"")

    def log_message(self, *words):
        pass


@pytest.fixture
def server():
    pages = HTTPServer(("127.0.0.1", 0), _Pages)
    thread = threading.Thread(target=pages.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"127.0.0.1:{pages.server_port}"
    pages.shutdown()
    thread.join()
    pages.server_close()


def test_pages_are_fetched_past_any_proxy(server, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert guest.fetch(server) == (True, "hostname=a address=b\n")


def test_what_was_seen_instead_of_a_page(server):
    done, seen = guest.fetch(server, "absent")
    assert (done, seen.endswith("answered 404")) == (False, True)
    done, seen = guest.fetch(server, "empty")
    assert (done, "empty page" in seen) == (False, True)
    done, seen = guest.fetch("127.0.0.1:1")
    assert not done
    assert "refused" in seen
