"""The summary that `up` prints: the endpoints, how to log in, and how to create a first server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onestack.platform.site import Site


def data(site: Site) -> dict[str, Any]:
    """The summary as data."""
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
        "hypervisor": site.here.choices.virt_type,
        "datapath": site.here.choices.datapath,
        "isolated": site.here.choices.isolated,
    }


def lines(site: Site) -> list[str]:
    """The summary as text, in rich's markup."""
    summary = data(site)
    root = "" if site.paths.is_default else f" --root {site.paths.root}"
    shown = ["", f"[bold green]OpenStack {summary['release']} is up[/] at {site.gateway}", ""]
    shown += [f"  {kind:<13} {url}" for kind, url in summary["endpoints"].items()]
    shown += ["", f"  clouds.yaml  {summary['clouds_yaml']}  (cloud '{summary['name']}')"]
    if summary["dashboard"]:
        shown += [
            f"  dashboard    {summary['dashboard']}",
            f"               ./onestack openrc{root} --dashboard   says user and password",
        ]
    if "compute" in summary["endpoints"]:
        shown += [
            "",
            "A first server, that answers over a floating IP; and OpenStack's own command line:",
            f"  ./onestack demo{root}",
            f"  ./onestack exec{root} openstack server list --all-projects",
        ]
    return shown
