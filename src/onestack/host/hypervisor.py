"""Chooses KVM or software emulation, by booting a real guest.

/dev/kvm may exist and be usable although guests do not run (observed with nested virtualisation): only a boot proves
it. The result is valid until the machine reboots, so it is cached in a file.
"""

from __future__ import annotations

import hashlib
import json
import os
import selectors
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Literal

from onestack.core.errors import PermanentError
from onestack.host.command import run
from onestack.host.guest.image import boot_files
from onestack.host.guest.inside import SHARED, inside

VirtType = Literal["kvm", "qemu"]
Wanted = Literal["auto", "kvm", "qemu"]

SILENCE = 8.0
"""Seconds without output on the serial console after which a guest counts as hung; with KVM a kernel writes within
one second, also on a busy machine."""
USUAL = 0.25
"""Seconds that QEMU may take to print its version on a machine of usual speed; 0.1 if it is idle."""
SLOWEST = 20.0
"""How many times longer than usual a boot may take at most."""
_QEMU = Path("usr/bin/qemu-system-x86_64")
_UP = b"onestack-guest: kernel"
# After these words there is no more output: QEMU has stopped the guest, or its kernel has panicked.
_LOST = (b"KVM internal error", b"KVM: entry failed", b"Kernel panic")
_KVM = Path("/dev/kvm")
_HINT = (
    "switch virtualisation on (VT-x or AMD-V in the firmware; nested virtualisation where this machine is a "
    "guest itself), then `modprobe kvm_intel` or `modprobe kvm_amd`; or take software emulation"
)


@dataclass(frozen=True)
class Probe:
    """Whether KVM runs guests here, and how we know. `seconds`: how long the guest took to boot."""

    usable: bool
    reason: str
    seconds: float | None = None


def choose(probe: Probe, wanted: Wanted) -> tuple[VirtType, str]:
    """Nova's virt_type, and why. Raises PermanentError if KVM is required and does not work."""
    if wanted == "qemu":
        return "qemu", "the spec selects software emulation"
    if probe.usable:
        return "kvm", probe.reason
    if wanted == "kvm":
        raise PermanentError("KVM is required, but does not work here", detail=probe.reason, hint=_HINT)
    return "qemu", f"software emulation, for KVM does not work here: {probe.reason}"


def probe_kvm(
    base: Path,
    seconds: float = 20.0,
    *,
    cache: Path | None = None,
    device: Path = _KVM,
    silence: float = SILENCE,
) -> Probe:
    """Boot the tiny guest's kernel under KVM with the base's QEMU, and return whether it came up.

    `seconds`: the deadline of the boot; like `silence` for a machine of usual speed. `cache`: a file that stores the
    result for this boot of the machine. Raises PermanentError if the base lacks the guest's parts.
    """
    known = _known(base, cache, device)
    if known is not None:
        return known
    now = circumstances(base)
    with tempfile.TemporaryDirectory(prefix="onestack-kvm-") as scratch:
        boot_files(base, Path(scratch))
        slow = slowness(base, Path(scratch))
        argv = inside(base, Path(scratch), qemu("kvm", seconds * slow))
        probe = boots(argv, seconds * slow, silence * slow)
    if cache is not None:
        remember(cache, now, probe)
    return probe


def slowness(base: Path, scratch: Path, clock: Callable[[], float] = time.monotonic) -> float:
    """How many times slower than usual this machine is, at least 1: measured by how long QEMU takes to print its
    version."""
    begun = clock()
    run(inside(base, scratch, [f"/{_QEMU}", "--version"]), seconds=120, check=False)
    return min(max(1.0, (clock() - begun) / USUAL), SLOWEST)


def must_boot(base: Path, *, cache: Path | None = None, device: Path = _KVM) -> bool:
    """Whether `probe_kvm` has to boot a guest for its answer, which takes seconds."""
    return _known(base, cache, device) is None


def _known(base: Path, cache: Path | None, device: Path) -> Probe | None:
    """The result if no guest is needed for it; None if only a boot can tell."""
    if not device.exists():
        return Probe(False, f"{device} does not exist")
    if not os.access(device, os.R_OK | os.W_OK):
        return Probe(False, f"{device} may not be opened by this user")
    return remembered(cache, circumstances(base))


def qemu(accelerator: str, seconds: float) -> list[str]:
    """The command line, inside the base, that boots the guest's kernel with its console on stdout."""
    # `timeout` ends the guest if this process is killed.
    return [
        *("timeout", "--signal=KILL", f"{seconds + 5:.0f}", f"/{_QEMU}"),
        *("-machine", "pc", "-accel", accelerator, "-cpu", "host" if accelerator == "kvm" else "qemu64"),
        *("-m", "128", "-nodefaults", "-display", "none", "-vga", "none", "-serial", "stdio", "-no-reboot"),
        *("-kernel", f"{SHARED}/vmlinuz", "-initrd", f"{SHARED}/initramfs"),
        *("-append", "console=ttyS0,115200 earlyprintk=ttyS0,115200 panic=-1"),
    ]


def boots(argv: Sequence[str], seconds: float, silence: float = SILENCE) -> Probe:
    """Run a command that boots a guest, until the guest reports that it is up, ends, is silent or
    late; then end it."""
    begun = time.monotonic()
    process = subprocess.Popen(
        list(argv), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=0
    )
    assert process.stdout is not None
    try:
        heard, ended = _listen(process.stdout, begun + seconds, silence)
    finally:
        # `inside` ends all that it started.
        process.kill()
        process.wait()
        process.stdout.close()
    took = time.monotonic() - begun
    if _UP in heard:
        return Probe(True, f"a guest booted in {took:.1f} s", round(took, 2))
    console = _informative_line(heard)
    if ended:
        return Probe(False, f"QEMU ended after {took:.1f} s; {console}")
    return Probe(False, f"a guest did not boot within {took:.0f} s; {console}")


def _listen(console: IO[bytes], deadline: float, silence: float) -> tuple[bytes, bool]:
    """The console's output, and whether the other side closed it."""
    heard = b""
    with selectors.DefaultSelector() as selector:
        selector.register(console, selectors.EVENT_READ)
        while not any(word in heard for word in (_UP, *_LOST)):
            left = deadline - time.monotonic()
            if left <= 0 or not selector.select(min(left, silence)):
                return heard, False
            chunk = os.read(console.fileno(), 65536)
            if not chunk:
                return heard, True
            heard += chunk
    return heard, False


def _informative_line(heard: bytes) -> str:
    """The most informative line about a failed boot: one with known words, or else the last."""
    lines = [line.strip() for line in heard.decode(errors="replace").splitlines() if line.strip()]
    known = [line for line in lines if any(word.decode() in line for word in _LOST)]
    if not lines:
        return "it said nothing"
    return f"its last words: {known[0] if known else lines[-1]}"


def circumstances(base: Path) -> str:
    """A digest of what the result depends on: this boot, processor and QEMU. Sixteen hexadecimal digits."""
    cpu = [
        line
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith(("model name", "microcode"))
    ]
    binary = (base / _QEMU).stat() if (base / _QEMU).exists() else None
    facts = [
        Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        *sorted(set(cpu)),
        f"{binary.st_size} {binary.st_mtime_ns}" if binary else "",
    ]
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:16]


def remembered(cache: Path | None, now: str) -> Probe | None:
    """The result in `cache`, if it is for the same circumstances."""
    if cache is None:
        return None
    try:
        kept = json.loads(cache.read_text())
        return Probe(**kept["probe"]) if kept["circumstances"] == now else None
    except (OSError, ValueError, KeyError, TypeError):
        # Missing or damaged: another probe only takes seconds.
        return None


def remember(cache: Path, now: str, probe: Probe) -> None:
    """Store a result."""
    cache.parent.mkdir(parents=True, exist_ok=True)
    partial = cache.with_name(f"{cache.name}.{os.getpid()}")
    partial.write_text(json.dumps({"circumstances": now, "probe": asdict(probe)}))
    partial.replace(cache)
