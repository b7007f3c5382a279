"""Chooses hypervisor, datapath and network for this machine, once in a cloud's life, with reasons."""

from __future__ import annotations

import socket

from onestack.core import data
from onestack.core.errors import BadInput
from onestack.core.events import Emit, step
from onestack.core.paths import Paths
from onestack.host import facts, hypervisor
from onestack.host.command import succeeds
from onestack.platform.choices import Choices, choices_file
from onestack.platform.fetch import Fetched
from onestack.platform.view import VirtType
from onestack.spec import Spec


def host_name(spec: Spec) -> str:
    """This machine's host name in OpenStack."""
    return spec.hosts[0].name if spec.hosts else socket.gethostname().split(".")[0].lower()


def require_same_name(paths: Paths, spec: Spec, host: str) -> None:
    """Raises BadInput where this machine is in a cloud by another name: OpenStack knows its guests by it."""
    before = Choices.load(choices_file(paths)) if choices_file(paths).exists() else None
    if before and before.host != host:
        raise BadInput(
            f"this host is called {before.host} in its cloud, not {host}",
            where=spec.place_of("hosts", [each.name for each in spec.hosts].index(host), "name"),
            hint=f"a host keeps its name: set `name: {before.host}`, or destroy the cloud first",
        )


def require_same_release(paths: Paths, spec: Spec) -> None:
    """Raises BadInput where a cloud stands that runs another series than the spec says."""
    if not choices_file(paths).exists():
        return
    series, wanted, known = Choices.load(choices_file(paths)).series, spec.platform.release, data.releases()
    if series in known and series != wanted:
        newer = known.index(wanted) > known.index(series)
        way = f"`onestack upgrade --to {wanted}` changes its release; else " if newer else ""
        raise BadInput(
            f"the cloud runs {series}, and the spec says {wanted}",
            where=spec.place_of("platform", "release"),
            hint=f'{way}write `release: "{series}"` in the platform section',
        )


def is_isolated(paths: Paths, spec: Spec) -> bool:
    """Whether a cloud of this spec has a network of its own under this root."""
    wanted = spec.platform.network.isolated
    return wanted if wanted is not None else not paths.is_default


def choose(paths: Paths, spec: Spec, fetched: Fetched, emit: Emit, host: str | None = None) -> Choices:
    """Choose for `spec`.

    `host`: the name of this machine in its `hosts`. Raises BadInput if this machine lacks what the spec requires, or
    if an existing cloud cannot be changed to it.
    """
    before = Choices.load(choices_file(paths)) if choices_file(paths).exists() else None
    with step("choices", emit) as at:
        host_facts = facts.gather()
        compute, net = spec.platform.compute, spec.platform.network
        reasons: dict[str, str] = {}
        virt: VirtType
        if compute.driver == "fake":
            virt, reasons["virt_type"] = "fake", "the spec selects the fake driver"
        else:
            probe = hypervisor.probe_kvm(fetched.base, cache=paths.cache / "kvm.json")
            virt, reasons["virt_type"] = hypervisor.choose(probe, compute.virt)
        kernel = host_facts.openvswitch
        if net.datapath != "userspace" and host_facts.features["openvswitch"] == "loadable":
            kernel = succeeds(["modprobe", "openvswitch"])
        if net.datapath == "kernel" and not kernel:
            raise BadInput(
                "the kernel's openvswitch datapath is not available",
                where=spec.place_of("platform", "network", "datapath"),
                hint="load the module openvswitch, or set 'datapath: auto'",
            )
        system = kernel and net.datapath != "userspace"
        reasons["datapath"] = (
            "openvswitch in the kernel"
            if kernel
            else "this kernel has no openvswitch: OVS' userspace datapath"
        )
        isolated = is_isolated(paths, spec)
        if before and before.isolated != isolated:
            raise BadInput(
                "a cloud cannot move between the machine's network and one of its own",
                hint="destroy it first, or leave platform.network.isolated as it was",
            )
        if before and (before.virt_type == "fake") != (virt == "fake"):
            raise BadInput(
                "a cloud cannot change between libvirt and the fake driver",
                where=spec.place_of("platform", "compute", "driver"),
                hint="destroy it first, or bring up another one beside it with --root",
            )
        dns = host_facts.resolvers if net.dns is None else tuple(map(str, net.dns))
        if not dns and net.dns is None and "network" in spec.platform.services:
            at.note("this machine's DNS servers are all on loopback: guests get none (platform.network.dns)")
        at.outcome = f"{virt}, {'kernel' if system else 'userspace'} datapath"
    return Choices(
        host=before.host if before else host or host_name(spec),
        virt_type=virt,
        datapath="system" if system else "netdev",
        isolated=isolated,
        base=str(fetched.base),
        environment=str(fetched.environment),
        runtime=str(fetched.runtime),
        reasons=reasons,
        dashboard=str(fetched.dashboard) if fetched.dashboard else None,
        dns_servers=dns,
        trees={name: str(tree) for name, tree in fetched.trees.items()},
    )
