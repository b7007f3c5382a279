"""What `up` ends with: where the cloud is, and how to start a first server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onestack.platform.site import Site


def data(site: Site) -> dict[str, Any]:
    """The summary for machines."""
    from onestack.platform import catalogue

    return {
        "name": site.spec.name,
        "release": site.view.series,
        "clouds_yaml": str(site.paths.etc / "clouds.yaml"),
        "endpoints": {
            service.type: f"{site.front}/{service.endpoint.path}"
            for service in catalogue.services(site.view.services)
            if service.endpoint and service.endpoint.listed
        },
        "dashboard": site.dashboard,
        "hypervisor": site.choices.virt_type,
        "datapath": site.choices.datapath,
        "isolated": site.choices.isolated,
    }


def lines(site: Site) -> list[str]:
    """The summary for people, in rich's markup."""
    told = data(site)
    root = "" if site.paths.is_default else f" --root {site.paths.root}"
    cli = f"./onestack exec{root} openstack"
    found = ["", f"[bold green]OpenStack {told['release']} is up[/] at {site.front}", ""]
    found += [f"  {kind:<13} {url}" for kind, url in told["endpoints"].items()]
    found += ["", f"  clouds.yaml  {told['clouds_yaml']}  (cloud '{told['name']}')"]
    if told["dashboard"]:
        found += [
            f"  dashboard    {told['dashboard']}",
            f"               user admin, domain Default; password: ./onestack openrc{root} | grep PASSWORD",
        ]
    if "compute" in told["endpoints"]:
        found += [
            "",
            "A first server:",
            f"  {cli} network create net1",
            f"  {cli} subnet create --network net1 --subnet-range 10.1.0.0/24 net1",
            f"  {cli} server create --image tiny --flavor m1.nano --network net1 --wait first",
        ]
    return found
