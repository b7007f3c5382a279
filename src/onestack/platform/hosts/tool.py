"""Has the tool itself on another host: its code and its Python packages, in a folder of the cache there.

They are copied from here over ssh, so that a host needs no package registry for them, and all hosts run the same
version. A folder is called by a digest of what is in it. An older one stays for as long as a process runs from it, or
a unit would start one; an `up` removes the others.
"""

from __future__ import annotations

import hashlib
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from onestack.core import data
from onestack.core.errors import BadInput, PermanentError
from onestack.core.events import Emit, step
from onestack.core.paths import Paths
from onestack.host import processes, systemd
from onestack.host.command import last_lines
from onestack.host.environment import digest
from onestack.host.machine import File, Machine, ssh
from onestack.platform.hosts import packages

FOLDERS = ("runtime", "releases", "examples")
"""What the tool reads beside its own package."""
SECONDS = 600.0
"""How long the copy may take; some hundred MiB pass."""
MIB = 600
"""Space that a copy needs, with some to spare."""
DONE = "complete"
FOLDER, PARTIAL = "tool", ".partial"
"""The folder of copies in the cache; how a copy that is being made is called at its end."""


@dataclass(frozen=True)
class Tool:
    """Where the tool lies on a host."""

    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / "env/bin/python"

    def command(self, module: str, *words: str) -> list[str]:
        """The command that runs a module of it."""
        return [str(self.python), "-m", module, *words]


@cache
def place(paths: Paths) -> Tool:
    """Where this version lies on a host whose cache is as this one's."""
    parts = [data.digest_of_code(), *(digest(data.folder(name)) for name in FOLDERS), *packages.versions()]
    return Tool(paths.cache / FOLDER / hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12])


def existing(machine: Machine, paths: Paths) -> Tool:
    """Where the tool lies on a host already: in this version, else the one that came last. Raises PermanentError."""
    found = place(paths)
    if machine.read_file(found.folder / DONE) is not None:
        return found
    if (other := newest(machine, paths)) is None:
        raise PermanentError(
            f"{machine.name} does not have OneStack", where=machine.name, hint="`onestack up` copies it there"
        )
    return other


def newest(machine: Machine, paths: Paths) -> Tool | None:
    """The copy that came last on a host, of whatever version; None where there is none."""
    copies = shlex.quote(str(paths.cache / FOLDER))
    ran = machine.run(["sh", "-c", f"ls -1t {copies}/*/{DONE} 2>/dev/null"])
    return next((Tool(Path(line).parent) for line in ran.output.splitlines()), None)


def tidy(paths: Paths, host: str) -> list[Path]:
    """Remove what is no longer used of the copies in this host's cache; returns what was removed.

    Done by a tool that is such a copy: other hosts have none of it in theirs. `host`: this host's name in the cloud.
    """
    mine, copies = Path(sys.prefix).parent, paths.cache / FOLDER
    if mine.parent != copies:
        return []
    started = "".join(unit.read_text() for unit in systemd.UNITS.glob("onestack*.service"))
    gone = [each for each in copies.iterdir() if each.name.endswith(f".{host}{PARTIAL}")]
    for each in copies.iterdir():
        is_used = each == mine or f"{each}/" in started or processes.running_from(each)
        if not each.name.endswith(PARTIAL) and not is_used:
            gone.append(each)
    for each in gone:
        # First what says that it is whole: nobody takes a copy that is half gone.
        (each / DONE).unlink(missing_ok=True)
        shutil.rmtree(each, ignore_errors=True)
    return sorted(gone)


def put(machine: Machine, address: ssh.Address, paths: Paths, emit: Emit) -> Tool:
    """Have the tool on a host. Raises BadInput where it cannot be there, PermanentError; a copy that was cut off is
    made again."""
    found = place(paths)
    if machine.read_file(found.folder / DONE) is not None:
        return found
    with step("tool", emit, "copying OneStack itself"):
        _require_same_python(machine)
        _require_space(machine, paths.cache)
        # Hosts may share a cache: each makes a copy of its own, and the first that is complete counts.
        partial = found.folder.with_name(f"{found.folder.name}.{machine.name}{PARTIAL}")
        try:
            _copy(address, Path(sys.prefix), partial / "env", packages.files())
            for source, target in _sources():
                _copy(address, source, partial / target)
        except PermanentError:
            # It may have filled the disk.
            machine.run(["rm", "-rf", str(partial)], seconds=SECONDS)
            raise
        # The environment knows by a file where the tool's code lies: there it lies elsewhere.
        link = partial / _inside_environment(found).relative_to(found.folder) / "_editable_impl_onestack.pth"
        files = {link: File(f"{found.folder}/src\n".encode()), partial / DONE: File(b"")}
        machine.write_files(files)
        new, old = shlex.quote(str(partial)), shlex.quote(str(found.folder))
        script = f"mv -T {new} {old} 2>/dev/null || test -e {old}/{DONE}; rm -rf {new}"
        ran = machine.run(["sh", "-ec", script], seconds=SECONDS)
        if ran.status != 0:
            raise PermanentError(
                f"OneStack cannot be put into {found.folder}", detail=ran.output, where=machine.name
            )
    return found


def _sources() -> Iterator[tuple[Path, str]]:
    """Which folder here goes where there."""
    yield Path(data.__file__).resolve().parents[1], "src/onestack"
    for name in FOLDERS:
        yield data.folder(name), name


def _inside_environment(tool: Tool) -> Path:
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return tool.folder / "env/lib" / version / "site-packages"


def _require_same_python(machine: Machine) -> None:
    """The packages are copied with their compiled modules: the interpreter there must be able to load them."""
    mine, suffix = Path(sys.executable).resolve(), sysconfig.get_config_var("EXT_SUFFIX")
    question = "import sys, sysconfig; print(sys.version.split()[0], sysconfig.get_config_var('EXT_SUFFIX'))"
    answer = machine.run([str(mine), "-c", question], seconds=30)
    if answer.status != 0 or answer.output.split()[1:] != [suffix]:
        raise BadInput(
            f"{machine.name} has another Python than this host",
            detail=f"there: {answer.output.strip()}\nhere: {sys.version.split()[0]} {suffix} ({mine})",
            where=machine.name,
            hint="all hosts of a cloud need the same system: the same Debian or Ubuntu release",
        )


def _require_space(machine: Machine, cache: Path) -> None:
    free = machine.facts([cache]).disks[cache].free
    if free < MIB:
        raise BadInput(
            f"not enough disk space on {machine.name}: {free} MiB free, {MIB} MiB needed",
            detail=f"for {cache}, where OneStack itself is copied to; the parts of a cloud take more",
            where=machine.name,
            hint="free some, and run the command again",
        )


def _copy(address: ssh.Address, source: Path, target: Path, files: Sequence[Path] = (Path(),)) -> None:
    """Have a folder at another place on the host, by tar through ssh. `files`: what of it, relative to it."""
    where = shlex.quote(str(target))
    far = ssh.through(address, f"mkdir -p {where} && exec tar -x -f - -C {where}")
    with tempfile.NamedTemporaryFile() as names:
        names.write(b"".join(f"{each}\0".encode() for each in files))
        names.flush()
        near = ["tar", "-c", "-f", "-", "-C", str(source), "--null", f"--files-from={names.name}"]
        packing = subprocess.Popen(near, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        try:
            unpacking = subprocess.run(
                far, stdin=packing.stdout, capture_output=True, text=True, timeout=SECONDS, check=False
            )
        finally:
            if packing.stdout:
                packing.stdout.close()
            status = packing.wait()
    if unpacking.returncode != 0 or status not in (0, 1):
        raise PermanentError(
            f"copying {source} to {address.host} failed",
            detail=last_lines(unpacking.stdout + unpacking.stderr),
            where=address.host,
            hint="the same login must work by hand, and the host must have disk space",
        )
