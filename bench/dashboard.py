"""How long the dashboard's pages take: the first time, and warm.

    python bench/dashboard.py [--root DIR] [--rounds 5]

Logs in as the administrator of a cloud that is up, and asks for each page as a browser does, without its
scripts: time to the whole page, and the processor time that the dashboard's own process took for it.
Prints a table with the bar of each page: 2 s for the first, 3 s for every other.
"""

from __future__ import annotations

import argparse
import os
import re
import statistics
import time
from pathlib import Path

import measuring
import requests

from onestack import Cloud
from onestack.health.verify.dashboard import Page
from onestack.platform.site import Site

PAGES = {
    "overview": "project/",
    "instances": "project/instances/",
    "images": "project/images/",
    "networks": "project/networks/",
    "topology": "project/network_topology/",
    "topology, its data": "project/network_topology/json",
    "routers": "project/routers/",
    "floating IPs": "project/floating_ips/",
    "security groups": "project/security_groups/",
    "volumes": "project/volumes/",
    "balancers": "project/load_balancer/",
}
FIRST_BAR, BAR = 2.0, 3.0


def cpu_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Session:
    """A browser without scripts, and what each answer cost."""

    def __init__(self, site: Site) -> None:
        self._url = site.dashboard or ""
        self._pid = site.leader.supervisor.programs()["horizon"].pid
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(site.leader.outside(site.ca_file)) if site.ca_file else False
        self.found: dict[str, list[tuple[float, float]]] = {}

    def ask(self, name: str, path: str, data: dict[str, str] | None = None) -> str:
        url = self._url + path
        before, begun = cpu_seconds(self._pid), time.monotonic()
        kind = "POST" if data else "GET"
        answer = self._session.request(kind, url, data=data, headers={"Referer": url}, timeout=120)
        took = time.monotonic() - begun
        if answer.status_code != 200:
            raise SystemExit(f"{name}: {url} answers {answer.status_code}")
        self.found.setdefault(name, []).append((took, cpu_seconds(self._pid) - before))
        return answer.text

    def leave(self) -> None:
        self._session.cookies.clear()


def measure(site: Site, rounds: int) -> dict[str, list[tuple[float, float]]]:
    session = Session(site)
    for _ in range(rounds):
        session.leave()
        text = session.ask("login page", "auth/login/")
        who = {"username": "admin", "password": site.view.cloud.secrets["user/admin"], "domain": "Default"}
        home = session.ask("login", "auth/login/", {**Page(text).hidden, **who})
        offered = set(re.findall(r'href="/dashboard/(project/[^"]*)"', home))
        for name, path in PAGES.items():
            # What the cloud has no service for has no panel.
            if path in offered or name.startswith("topology"):
                session.ask(name, path)
    return session.found


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--root", help="a cloud that stands; else that at /, or one for the while")
    words.add_argument("--rounds", type=int, default=5)
    given = words.parse_args()
    with measuring.cloud(given.root, "version: 1", "dashboard") as cloud:
        report(cloud, given.rounds)


def report(cloud: Cloud, rounds: int) -> None:
    site = cloud.site
    print(f"load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores; seconds")
    found = cloud.run(lambda: measure(site, rounds))
    print(f"{'page':<20} {'first':>7} {'warm p50':>9} {'worst':>7} {'CPU':>6}   bar")
    for name, values in found.items():
        warm = [took for took, _ in values[1:]] or [values[0][0]]
        bar = FIRST_BAR if name == "login page" else BAR
        middle, cpu = statistics.median(warm), statistics.median(each for _, each in values)
        verdict = "met" if middle <= bar else "missed"
        print(f"{name:<20} {values[0][0]:7.2f} {middle:9.2f} {max(warm):7.2f} {cpu:6.2f}   {bar} {verdict}")


if __name__ == "__main__":
    measuring.run(main)
