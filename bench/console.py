"""What the operator's console costs: memory, and for each page the time, the processor time and the API calls.

    python bench/console.py [--root DIR] [--rounds 5] [--servers 0]

Logs in to a console of a cloud that is up (or of one brought up for the while, with the fake driver), and asks for
each page with all of its parts at once, as a browser does. The first round pays for the readers' start and for the
connection to OpenStack; it is shown by itself. `--servers`: so many are made first, with the fake driver.
Prints a table, the memory (proportional set size, MiB), and one line of JSON.
"""

from __future__ import annotations

import argparse
import http.client
import json
import re
import statistics
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import measuring

from onestack import Cloud
from onestack.core.wait import until
from onestack.host import processes
from onestack.observe import balancers
from onestack.observe.collect import statistics as gateway_statistics
from onestack.platform.infrastructure.gateway import ADMIN_SOCKET

PAGES = ("/", "/services?service=keystone", "/hosts", "/topology", "/scaling", "/why?kind=server")
BAR_MEMORY, BAR_CALLS, BAR_MILLISECONDS = 60, 5, 100
OWN = "platform: {exclude: [dashboard], compute: {driver: fake, hosts: 10}}\n"
IDLE_SECONDS = 75.0
"""After so long without requests readers must have ended."""


def calls(cloud: Cloud) -> int:
    """How many requests the API gateway has passed on."""
    rows = balancers.table(gateway_statistics(cloud.site.leader.outside(ADMIN_SOCKET)))
    return sum(int(row.get("req_tot") or 0) for row in rows if row["svname"] == balancers.BACKEND)


class Console:
    """A console that was started for this, and a browser without scripts."""

    def __init__(self, cloud: Cloud) -> None:
        words = [sys.executable, "-m", "onestack.cli", "console", "--root", str(cloud.paths.root)]
        self._process = subprocess.Popen(
            [*words, "--port", "0", "--no-browser", "--json"], stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        link = urlsplit(json.loads(self._process.stdout.readline())["url"])
        self._host = link.netloc
        self._cookie = ""
        headers, _ = self._ask(f"{link.path}?{link.query}")
        self._cookie = headers["Set-Cookie"].partition(";")[0]

    @property
    def server(self) -> int:
        """The web server's process id."""
        return self._process.pid

    @property
    def readers(self) -> list[int]:
        """The process ids of the readers that run."""
        children = Path(f"/proc/{self.server}/task").glob("*/children")
        return [int(each) for file in children for each in file.read_text().split()]

    def page(self, path: str) -> None:
        """A page and all its parts."""
        _, text = self._ask(path)
        parts = {each.replace("&amp;", "&") for each in re.findall(r'hx-get="(/part/[^"]+)"', text)}
        with ThreadPoolExecutor(8) as pool:
            wrong = [each for _, each in pool.map(self._ask, parts) if "cannot be shown" in each]
        if wrong:
            raise SystemExit(f"{path}: {wrong[0]}")

    def end(self) -> None:
        self._process.terminate()
        self._process.wait(30)

    def _ask(self, path: str) -> tuple[http.client.HTTPMessage, str]:
        connection = http.client.HTTPConnection(self._host, timeout=60)
        connection.request("GET", path, headers={"Cookie": self._cookie, "Host": self._host})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        if answer.status != 200:
            raise SystemExit(f"{path}: status {answer.status}")
        return answer.headers, text


def cpu(console: Console) -> float:
    """Seconds of processor time of all its processes."""
    return sum(processes.cpu_seconds(pid) or 0.0 for pid in (console.server, *console.readers))


def memory(*pids: int) -> float:
    """Of processes together, in MiB; 0 of those that have ended."""
    return sum(processes.memory(pid) or 0 for pid in pids) / 1024


def watched(console: Console) -> float:
    """The memory of all while the overview stays open: the reader that asks the APIs has ended."""

    def look() -> tuple[bool, str]:
        # As an open page asks; certificates are read once an hour.
        for part in ("health", "capacity", "alerts", "events", "hosts"):
            console.page(f"/part/{part}")
        return len(console.readers) == 1, f"{len(console.readers)} readers"

    until("only one reader to be left", look, seconds=IDLE_SECONDS, every=5.0)
    return memory(console.server, *console.readers)


def make_servers(cloud: Cloud, number: int) -> None:
    """Servers of the fake driver, in one request of Nova's for each hundred."""
    admin: Any = cloud.connect()
    flavor, image = admin.compute.find_flavor("m1.nano"), admin.image.find_image("tiny")
    admin.compute.update_quota_set(admin.current_project_id, instances=-1, cores=-1, ram=-1)
    for begun in range(0, number, 100):
        many = min(100, number - begun)
        admin.compute.create_server(
            name=f"bench-{begun}",
            flavor_id=flavor.id,
            image_id=image.id,
            networks="none",
            min_count=many,
            max_count=many,
        )

        def look(wanted: int = begun + many) -> tuple[bool, str]:
            active = sum(1 for _ in admin.compute.servers(all_projects=True, status="ACTIVE"))
            return active >= wanted, f"{active} active"

        until("the servers to be active", look, seconds=900, every=2.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--root", help="a cloud that is up")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--servers", type=int, default=0)
    given = parser.parse_args()
    with measuring.cloud(given.root, OWN, "compute", standing=given.servers == 0) as cloud:
        if given.servers:
            make_servers(cloud, given.servers)
        measure(cloud, given.rounds)


def measure(cloud: Cloud, rounds: int) -> None:
    console = Console(cloud)
    try:
        found: dict[str, float] = {}
        print(f"{'page':32} {'first':>9} {'warm':>9} {'CPU':>9} {'API calls: first':>17} {'warm':>5}")
        for path in PAGES:
            figures = []
            for _ in range(1 + rounds):
                before, used, begun = calls(cloud), cpu(console), time.monotonic()
                console.page(path)
                seconds = time.monotonic() - begun
                figures.append((seconds, cpu(console) - used, calls(cloud) - before))
                # What parts of one page share, the next page must not share with it.
                time.sleep(2.5)
            warm = [statistics.median(each) for each in zip(*figures[1:], strict=True)]
            first = figures[0]
            print(
                f"{path:32} {first[0]:7.2f} s {warm[0]:7.2f} s {1000 * warm[1]:6.0f} ms"
                f" {first[2]:17} {warm[2]:5.0f}"
            )
            found |= {f"{path} ms": 1000 * warm[1], f"{path} calls": warm[2], f"{path} first calls": first[2]}
        found["all pages"] = memory(console.server, *console.readers)
        found["overview"] = watched(console)
        until("the readers to end", lambda: (not console.readers, ""), seconds=IDLE_SECONDS, every=1.0)
        found["nobody looks"] = memory(console.server)
    finally:
        console.end()
    print(
        f"memory in MiB: {found['nobody looks']:.0f} when nobody looks, {found['overview']:.0f} with the overview"
        f" open, {found['all pages']:.0f} after all pages"
    )
    print(f"bars: {BAR_MEMORY} MiB, {BAR_CALLS} API calls and {BAR_MILLISECONDS} ms for a page")
    print(json.dumps({name: round(value, 1) for name, value in found.items()}))


if __name__ == "__main__":
    measuring.run(main)
