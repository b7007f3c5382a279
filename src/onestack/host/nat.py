"""Source NAT for guests, from the external network to outside networks, by this machine's routes.

It consists of an nftables table of the cloud's own, and IPv4 forwarding. The kernel's former settings are saved first
(`<lib>/nat.json`), so that they can be restored. The machine's other tables are never touched. Everything here works
on the network namespace of the calling thread. nft is the base's, run outside of the cloud's mount namespace, since
it is used before that exists and after it is gone.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from onestack.core.errors import PermanentError
from onestack.core.paths import Paths
from onestack.host.command import run
from onestack.host.files import replace_file
from onestack.host.network import HERE

SETTINGS = Path("/proc/sys/net/ipv4")
BOOT = Path("/proc/sys/kernel/random/boot_id")
FORWARD = "ip_forward"
# Writing `ip_forward` also changes each interface's setting, and this one.
_FOLLOWERS = ("conf/*/forwarding", "conf/all/accept_redirects")


@dataclass(frozen=True)
class Before:
    """The state before the cloud's NAT was set up. `isolated`: in a network namespace of the cloud's own. `boot`:
    the boot in which it was read; settings of an earlier boot are void. `base`: the base whose nft created the
    table. `settings`: files below /proc/sys/net/ipv4 and their content."""

    boot: str
    isolated: bool
    base: str
    settings: dict[str, str]

    @property
    def forwarded(self) -> bool:
        """Whether the machine forwarded packets before."""
        return self.settings[FORWARD] != "0"

    @property
    def interfaces(self) -> tuple[str, ...]:
        """The interfaces that existed before."""
        names = [Path(name).parent.name for name in self.settings if name.endswith("/forwarding")]
        return tuple(name for name in names if name not in ("all", "default", "lo", HERE))


def program(base: Path, name: str) -> list[str]:
    """The beginning of a command line that runs a program of the base outside of any namespace, with the base's own
    libraries."""
    loader = base / "lib64/ld-linux-x86-64.so.2"
    return [str(loader), "--library-path", f"{base}/usr/lib/x86_64-linux-gnu", f"{base}/usr/sbin/{name}"]


def table(paths: Paths) -> str:
    """The name of a cloud's table (family `ip`), unique on this machine."""
    return f"onestack-{paths.ident}" if paths.ident else "onestack"


def deletion(family: str, name: str) -> str:
    """A table's deletion in nft's language. Idempotent, since the table is added first."""
    return f"table {family} {name}\ndelete table {family} {name}\n"


def rules(name: str, cidr: str, before: Before) -> str:
    """The table in nft's language; it replaces an existing one.

    If the machine did not forward before, it must not become a router for its neighbours: packets that enter by an
    interface that existed before pass only if they are replies to a guest. Packets that other programs translate
    (published ports of containers) pass too.
    """
    closed = ""
    if not before.forwarded and before.interfaces:
        closed = f"""
    chain forward {{
        type filter hook forward priority filter; policy accept;
        ct state established,related accept
        ct status dnat accept
        iifname {{ {_words(before.interfaces)} }} drop
    }}"""
    return f"""\
{deletion("ip", name)}table ip {name} {{
    chain postrouting {{
        type nat hook postrouting priority srcnat; policy accept;
        ip saddr {cidr} ip daddr != {cidr} oifname != {{ {_words(("lo", HERE))} }} masquerade
    }}{closed}
}}
"""


def _words(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def record(paths: Paths) -> Path:
    """The file with the former state."""
    return paths.lib / "nat.json"


def read(paths: Paths) -> Before | None:
    """The former state; None if this cloud has no NAT."""
    try:
        return Before(**json.loads(record(paths).read_text()))
    except (OSError, ValueError, TypeError):
        return None


def switch_on(
    paths: Paths, base: Path, cidr: str, *, isolated: bool, settings: Path = SETTINGS, boot: Path = BOOT
) -> None:
    """Enable forwarding and create the table. Idempotent. Raises PermanentError."""
    now = boot.read_text().strip()
    before = read(paths)
    if before is None or before.boot != now:
        before = Before(now, isolated, str(base), _settings(settings))
        _write(record(paths), json.dumps(asdict(before), indent=1))
    if (settings / FORWARD).read_text().strip() == "0":
        _set(settings / FORWARD, "1")
    run([*program(base, "nft"), "-f", "-"], text_in=rules(table(paths), cidr, before))


def switch_off(paths: Paths, *, settings: Path = SETTINGS, boot: Path = BOOT) -> bool:
    """Remove the table and restore the settings; returns whether this cloud had NAT."""
    before = read(paths)
    if before is None:
        record(paths).unlink(missing_ok=True)
        return False
    if before.boot == boot.read_text().strip():
        run([*nft(Path(before.base)), "-f", "-"], text_in=deletion("ip", table(paths)))
        restore(before, settings)
    record(paths).unlink()
    return True


def forget(paths: Paths) -> None:
    """Delete the record: the network namespace with the table and settings is gone."""
    record(paths).unlink(missing_ok=True)


def restore(before: Before, settings: Path = SETTINGS) -> None:
    """Restore the kernel's settings, except for interfaces that are gone or new."""
    if before.forwarded:
        return
    # First, since it changes the others.
    for name in sorted(before.settings, key=lambda name: name != FORWARD):
        file = settings / name
        if file.exists() and file.read_text().strip() != before.settings[name]:
            _set(file, before.settings[name])


def _settings(place: Path) -> dict[str, str]:
    files = [place / FORWARD, *(file for pattern in _FOLLOWERS for file in sorted(place.glob(pattern)))]
    return {str(file.relative_to(place)): file.read_text().strip() for file in files}


def nft(base: Path) -> list[str]:
    """The words that run a base's nft. If the base was deleted from the cache, the machine's own."""
    return program(base, "nft") if base.exists() else ["nft"]


def _set(file: Path, value: str) -> None:
    try:
        file.write_text(value)
    except OSError as error:
        raise PermanentError(
            f"{file} cannot be set to {value}: {error.strerror}",
            where=str(file),
            hint="in a container, its host must allow it; or set 'platform: {network: {external: {nat: false}}}'",
        ) from error


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_file(file, text)
