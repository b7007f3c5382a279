"""What a machine has that a cloud could leave behind: looked at before and after, and compared."""

from __future__ import annotations

from dataclasses import dataclass

from long.driving.machine import Machine

# Folders of the machine in which a cloud may have files, and what in them is the cache's or changes by itself.
_FOLDERS = ("/etc", "/usr/local", "/opt", "/srv", "/var/lib", "/var/log", "/run", "/tmp", "/var/tmp")
_CHANGING = (
    *(
        "/run/systemd",
        "/run/udev",
        "/run/log",
        "/run/dbus",
        "/run/lvm",
        "/run/dmeventd",
        "/var/log/journal",
        "/var/lib/systemd",
    ),
    *("/etc/lvm", "/run/lock/lvm", "/tmp/systemd-private", "/var/tmp/systemd-private", "/run/credentials"),
)
_LOOKS = {
    "interfaces": ("ls", "/sys/class/net"),
    "mounts": ("findmnt", "--raw", "--noheadings", "--output", "TARGET"),
    "routes": ("ip", "-o", "route"),
    "files": ("find", *_FOLDERS, "-xdev", "!", "-type", "s"),
    "users": ("cut", "-d:", "-f1", "/etc/passwd", "/etc/group"),
    "units": ("systemctl", "list-unit-files", "--no-legend", "--no-pager"),
    "namespaces": ("lsns", "--noheadings", "--output", "TYPE,COMMAND", "--type", "net"),
    "processes": ("ps", "-e", "--no-headers", "--format", "comm"),
    "forwarding": ("sysctl", "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"),
}


@dataclass(frozen=True)
class Traces:
    """By kind, what was seen: one line each."""

    seen: dict[str, frozenset[str]]

    def added_to(self, before: Traces) -> dict[str, list[str]]:
        """What is there now and was not before; kinds without any are left out."""
        new = {kind: sorted(lines - before.seen[kind]) for kind, lines in self.seen.items()}
        return {kind: lines for kind, lines in new.items() if lines}

    def of_onestack(self) -> list[str]:
        """What bears the name of OneStack, or of what only it brings; the cache and the test's own do not count."""
        names = ("onestack", "ovs-", "br-int", "mariadbd", "qemu", "haproxy", "supervisord")
        kept = ("/var/cache/onestack", "var-cache-onestack.mount", "onestack-test")
        lines = [line for each in self.seen.values() for line in each]
        return sorted(
            line for line in lines if any(n in line for n in names) and not any(k in line for k in kept)
        )


def traces(machine: Machine) -> Traces:
    """Look at the machine."""
    seen = {kind: machine.run(*argv, quiet=True, check=False).splitlines() for kind, argv in _LOOKS.items()}
    # Workers of the kernel come and go. LVM's own monitor goes on, for the volume group's thin pool does.
    passing = ("ps", "systemd-run", "dmeventd")
    seen["processes"] = [name for name in seen["processes"] if "/" not in name and name not in passing]
    # Each command that is run there is a unit of systemd's while it runs.
    seen["units"] = [line for line in seen["units"] if not line.startswith("run-p")]
    seen["files"] = [path for path in seen["files"] if not path.startswith(_CHANGING)]
    return Traces({kind: frozenset(line.strip() for line in lines) for kind, lines in seen.items()})
