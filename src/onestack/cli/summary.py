"""What `up` ends with: where the cloud is, how to log in, and a first server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onestack.platform.site import Site


def data(site: Site) -> dict[str, Any]:
    """The summary for machines."""
    from onestack.platform import catalogue

    return {
        "name": site.spec.name,
        "release": site.view.cloud.series,
        "clouds_yaml": str(site.paths.etc / "clouds.yaml"),
        "endpoints": {
            service.type: f"{site.gateway}/{service.endpoint.path}"
            for service in catalogue.services(site.view.cloud.services)
            if service.endpoint and service.endpoint.listed
        },
        "dashboard": site.dashboard,
        "hypervisor": site.leader.choices.virt_type,
        "datapath": site.leader.choices.datapath,
        "isolated": site.leader.choices.isolated,
    }


def lines(site: Site) -> list[str]:
    """The summary for people, in rich's markup."""
    told = data(site)
    root = "" if site.paths.is_default else f" --root {site.paths.root}"
    found = ["", f"[bold green]OpenStack {told['release']} is up[/] at {site.gateway}", ""]
    found += [f"  {kind:<13} {url}" for kind, url in told["endpoints"].items()]
    found += ["", f"  clouds.yaml  {told['clouds_yaml']}  (cloud '{told['name']}')"]
    if told["dashboard"]:
        found += [
            f"  dashboard    {told['dashboard']}",
            f"               ./onestack openrc{root} --dashboard   says user and password",
        ]
    if "compute" in told["endpoints"]:
        found += [
            "",
            "A first server, that answers over a floating IP; and OpenStack's own command line:",
            f"  ./onestack demo{root}",
            f"  ./onestack exec{root} openstack server list --all-projects",
        ]
    return found
