"""The base: a Debian 13 root filesystem with all native programs, the same on every host; and small ones beside it.

mmdebstrap builds each once for each release and package list from the signed Debian archive. It is kept in the cache
and mounted read-only only. The host's own packages are not touched.

What only some hosts need is in a tree of its own (`TREES`): a host's base is the same in whatever cloud it is, and a
host that gets such a program, or no longer needs it, keeps all that runs in its base.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from onestack.core.errors import PermanentError
from onestack.core.events import Emit, Step, step
from onestack.host import guest
from onestack.host.archive import archive
from onestack.host.command import CommandFailed, run, succeeds
from onestack.host.fetch_progress import Packages
from onestack.host.followed import follow
from onestack.host.lock import held
from onestack.host.namespace import mount_points

SUITE = "trixie"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
DEADLINE = 600.0
"""Seconds without progress after which the build has failed; the whole usually takes 60 s on two cores."""
LOCK_SECONDS = 240
"""How long to wait for another apt-get."""

# Nobody reads manuals inside the namespace; they would take 250 MB on every host.
_EXCLUDED = ("doc", "man", "locale", "info", "lintian", "bash-completion")
# Users of daemons whose packages do not create them (mariadb-server's would), or are not installed.
_USERS = ("mysql", "prometheus")
# Debian package -> the only file or folder of it that is needed: a whole package would bring Perl, Node.js, or a
# second program of 85 MB.
_SINGLE_FILES = {
    "mariadb-client": "usr/bin/mariadb-dump",
    "novnc": "usr/share/novnc",
    "prometheus": "usr/bin/prometheus",
}
# Mount points that the namespace needs in addition to Debian's, since the base is mounted read-only.
_MOUNT_FILES = ("etc/hosts", "etc/resolv.conf", "etc/localtime")
"""The same for a tree beside the base, where only a few folders of Debian's are mounted over."""
_MOUNT_POINTS = (
    "etc/onestack",
    "etc/libvirt",
    "usr/lib/onestack",
    "usr/lib/onestack-runtime",
    "usr/lib/onestack-tempest",
    "usr/lib/onestack-dashboard",
    "etc/localtime",
)


@dataclass(frozen=True)
class Tree:
    """A root filesystem beside the base. `user`: of its daemon, with an id that no program of the base has: both
    write below the same folders.

    Its packages are in a list of the release by its name. `files`: Debian package -> the only files of it that are
    needed, as with `_SINGLE_FILES`.
    """

    user: str
    uid: int
    about: str
    files: Mapping[str, Sequence[str]] = field(default_factory=dict)


TREES: Mapping[str, Tree] = {
    "bus": Tree("rabbitmq", 890, "Debian 13 with RabbitMQ"),
    "control": Tree(
        "mysql",
        891,
        "Debian 13 with Galera and keepalived",
        # The scripts of a state transfer; the rest of the package is Perl.
        {"mariadb-server": [f"usr/bin/wsrep_sst_{name}" for name in ("common", "mariabackup")]},
    ),
    "storage": Tree("ceph", 892, "Debian 13 with Ceph"),
    # Nothing runs in it as a daemon.
    "backup": Tree("backup", 894, "Debian 13 with restic and mariadb-backup"),
    "etcd": Tree("etcd", 893, "Debian 13 with etcd"),
    # The rest of the package is amtool, which is as large.
    "alerting": Tree(
        "alertmanager",
        895,
        "Debian 13 with Alertmanager",
        {"prometheus-alertmanager": ["usr/bin/prometheus-alertmanager", "usr/share/prometheus"]},
    ),
}


def packages(release: Path, extras: Sequence[str] = ()) -> list[str]:
    """The packages of a release's base, sorted. `extras`: packages that few clouds need; each extra has a list of
    its own."""
    named: set[str] = set()
    for file in ("base.txt", *(f"base-{extra}.txt" for extra in extras)):
        named |= _listed(release / file)
    return sorted(named | set(guest.packages()))


def key(release: Path, extras: Sequence[str] = ()) -> str:
    """A digest that changes if the base must be rebuilt, eight hexadecimal digits."""
    recipe = [SUITE, *packages(release, extras), *hooks(), *_EXCLUDED, *_USERS, *_MOUNT_POINTS]
    return hashlib.sha256("\n".join(recipe).encode()).hexdigest()[:8]


def tree_packages(release: Path, name: str) -> list[str]:
    """The packages of a tree beside the base, sorted."""
    return sorted(_listed(release / f"{name}.txt"))


def tree_key(release: Path, name: str) -> str:
    """A digest that changes if the tree must be rebuilt, eight hexadecimal digits."""
    tree = TREES[name]
    recipe = [SUITE, *tree_packages(release, name), _first_user(tree), *_EXCLUDED, *_MOUNT_FILES]
    recipe += _single_files(tree.files)
    return hashlib.sha256("\n".join(recipe).encode()).hexdigest()[:8]


def _listed(file: Path) -> set[str]:
    lines = file.read_text().splitlines()
    return {line.strip() for line in lines if line.strip() and not line.startswith("#")}


def _first_user(tree: Tree) -> str:
    """A script that adds a tree's user before packages are configured: they would choose an id of their own."""
    row = f"{tree.user}:x:{tree.uid}:"
    return (
        f'echo "{row}{tree.uid}::/nonexistent:/usr/sbin/nologin" >> "$1/etc/passwd"; '
        f'echo "{row}" >> "$1/etc/group"'
    )


def hooks() -> list[str]:
    """Shell scripts that complete the base ($1: its root), for mmdebstrap's --customize-hook."""
    return [*_single_files({package: [file] for package, file in _SINGLE_FILES.items()}), *guest.hooks()]


def _single_files(wanted: Mapping[str, Sequence[str]]) -> list[str]:
    """Shell scripts ($1: the root) that take single files or folders out of packages that are not installed."""
    return [
        f'chroot "$1" sh -ec "cd /tmp; apt-get download -q {package}; dpkg -x {package}_*.deb one;'
        f' {"; ".join(f"cp -a one/{file} /{file}" for file in files)}; rm -rf one {package}_*.deb"'
        for package, files in wanted.items()
    ]


def fetch_in_parallel(wanted: Sequence[str]) -> str:
    """A shell script ($1: the base's root) that downloads all packages before mmdebstrap has apt install them.

    apt downloads one package at a time, and its waiting took 13 of 68 s; this downloads six at a time. apt verifies
    the files as its own downloads. If the script fails, apt downloads them as usual.
    """
    apt = "apt-get -q -o APT::Sandbox::User=root"
    return (
        'cd "$1/var/cache/apt/archives" && export APT_CONFIG="$MMDEBSTRAP_APT_CONFIG"'
        f" && {apt} --print-uris -y install {' '.join(wanted)}"
        r""" | sed -n "s/^'[^']*' \([^_]*\)_.*/\1/p" """
        f"| xargs -r -n 12 -P 6 {apt} download || true"
    )


def command(
    target: Path,
    wanted: Sequence[str],
    hooks: Sequence[str],
    sources: Sequence[str],
    first: Sequence[str] = (),
) -> list[str]:
    """The mmdebstrap command line. `sources`: deb lines; none: mmdebstrap's default. `first`: scripts before the
    packages are installed."""
    return [
        "mmdebstrap",
        # apt's and dpkg's output shows the progress.
        "--verbose",
        "--mode=root",
        "--variant=apt",
        "--architectures=amd64",
        f"--keyring={KEYRING}",
        '--aptopt=APT::Install-Recommends "false"',
        '--aptopt=Acquire::Languages "none"',
        '--aptopt=Acquire::Retries "3"',
        # fsync may be skipped, since a failed build is thrown away.
        "--dpkgopt=force-unsafe-io",
        *(f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in _EXCLUDED),
        f"--include={','.join(wanted)}",
        *(f"--essential-hook={hook}" for hook in (*first, fetch_in_parallel(wanted))),
        *(f"--customize-hook={hook}" for hook in hooks),
        SUITE,
        str(target),
        *sources,
    ]


def ensure(
    release: Path, store: Path, emit: Emit, *, extras: Sequence[str] = (), mirror: str | None = None
) -> Path:
    """The base of a release with `extras`; it is built if `store` does not have it.

    Raises PermanentError, with mmdebstrap's last lines, if it cannot be built.
    """
    target = store / f"base-{key(release, extras)}"
    about = "Debian 13 with OVS, OVN, libvirt, QEMU, MariaDB, HAProxy"
    with _to_build(target, "base", about, emit) as at:
        if at is None:
            return target
        partial = _partial(store, "base")
        argv = command(partial, packages(release, extras), hooks(), archive(mirror) or [])
        _bootstrap(argv, partial, store / "base.log", at, "the base could not be built")
        for user in _USERS:
            shell = ("--shell", "/usr/sbin/nologin")
            run(
                [
                    "chroot",
                    str(partial),
                    "useradd",
                    "--system",
                    "--user-group",
                    "--no-create-home",
                    *shell,
                    user,
                ]
            )
        for place in _MOUNT_POINTS:
            if place == "etc/localtime":
                (partial / place).unlink(missing_ok=True)
                (partial / place).touch()
            else:
                (partial / place).mkdir(parents=True, exist_ok=True)
        _complete(partial, target, at)
        link = store / "base"
        link.unlink(missing_ok=True)
        link.symlink_to(target.name)
    return target


def ensure_tree(release: Path, store: Path, name: str, emit: Emit, *, mirror: str | None = None) -> Path:
    """A tree beside the base; it is built if `store` does not have it. Raises PermanentError as `ensure` does."""
    target, tree = store / f"{name}-{tree_key(release, name)}", TREES[name]
    with _to_build(target, name, tree.about, emit) as at:
        if at is None:
            return target
        partial = _partial(store, name)
        wanted, sources = tree_packages(release, name), archive(mirror) or []
        argv = command(partial, wanted, _single_files(tree.files), sources, [_first_user(tree)])
        _bootstrap(argv, partial, store / f"{name}.log", at, f"the tree of the {name} could not be built")
        for place in _MOUNT_FILES:
            (partial / place).unlink(missing_ok=True)
            (partial / place).touch()
        _complete(partial, target, at)
    return target


@contextmanager
def _to_build(target: Path, name: str, about: str, emit: Emit) -> Iterator[Step | None]:
    """The step in which a tree is built by nobody else; None where it is there."""
    if target.exists():
        yield None
        return
    store = target.parent
    with (
        step(name, emit, about) as at,
        held(store / f"{name}.lock", f"building the {name}", seconds=DEADLINE),
    ):
        if target.exists():
            yield None
            return
        if not (shutil.which("mmdebstrap") and Path(KEYRING).exists()):
            at.progress("installing mmdebstrap")
            install_packages(["mmdebstrap", "debian-archive-keyring"])
        for left in store.glob(f"{name}.partial-*"):
            discard(left)
        yield at


def _partial(store: Path, name: str) -> Path:
    # A name with the pid: a build of a killed `up` may still run.
    return store / f"{name}.partial-{os.getpid()}"


def _bootstrap(argv: Sequence[str], partial: Path, log: Path, at: Step, failed: str) -> None:
    """Have mmdebstrap make a tree. Raises PermanentError (`failed`) with its last lines, and leaves nothing then."""
    packages_read = Packages()
    try:
        follow(argv, log=log, seconds=DEADLINE, heard=lambda line: at.progress(packages_read.read(line)))
    except CommandFailed as failure:
        discard(partial)
        raise PermanentError(
            failed,
            detail=failure.detail,
            where=str(log),
            hint="is the Debian archive reachable? --archive URL names another mirror; then run it again",
        ) from failure
    except BaseException:
        discard(partial)
        raise


def _complete(partial: Path, target: Path, at: Step) -> None:
    """Write down what is installed in a tree, and have it at its place."""
    installed = run(["chroot", str(partial), "dpkg-query", "-W", "-f", "${Package} ${Version}\n"])
    versions = dict(line.split(" ", 1) for line in installed.splitlines())
    (partial / "base.json").write_text(json.dumps({"suite": SUITE, "versions": versions}, indent=1))
    partial.rename(target)
    at.outcome = f"{len(versions)} packages"


def install_packages(names: Sequence[str]) -> None:
    """Install the few host packages that are needed, from the host's own archive.

    Another apt-get that runs (a machine's automatic updates) is waited for.
    """
    patience = f"DPkg::Lock::Timeout={LOCK_SECONDS}"
    install = ["apt-get", "-o", patience, "install", "-y", "--no-install-recommends", *names]
    if not succeeds(install, seconds=LOCK_SECONDS + 300):
        run(["apt-get", "update"], seconds=300)
        run(install, seconds=LOCK_SECONDS + 600, environment={"DEBIAN_FRONTEND": "noninteractive"})


def discard(tree: Path) -> None:
    """Remove a root filesystem, after unmounting what a killed build left mounted below it."""
    # In reverse order, since a mount may be below another. A file system of the machine must never be emptied.
    for place in reversed([each for each in mount_points() if each.is_relative_to(tree)]):
        run(["umount", str(place)])
    if tree.exists():
        shutil.rmtree(tree)
