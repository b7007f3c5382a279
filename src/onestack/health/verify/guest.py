"""The check's view of a guest: the user data scripts that it runs, and the HTTP pages that they publish.

The image `tiny` serves `hostname=… address=…` at `/` and every file of its web folder; it runs user data
that begins with `#!`, and prints its output on the console.
"""

from __future__ import annotations

import base64
import re
import urllib.error
import urllib.request
from collections.abc import Mapping

REPORT = "onestack-verify.txt"
"""The page that the scripts below publish."""
DISKS = "onestack-disks.txt"
"""The page on which the first guest publishes the content of its other disks: vdb=TOKEN,SECTORS."""
AGAIN = 4
"""How often another tenant's guest must reach a floating IP that it has reached once."""
METADATA = "http://169.254.169.254/latest/meta-data"
FETCH_SECONDS = 5.0
"""How long one HTTP answer may take, in seconds."""

# The web folder of the image `tiny`, and of other images.
_WEB_ROOTS = "/var/www /srv/www"

# Without the proxy that the machine's user may have for the Internet.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))

_FIRST = """#!/bin/sh
for folder in {roots}; do [ ! -d $folder ] || break; done
{{
    echo "token={token}"
    echo "instance=$(wget -q -T 10 -O - {metadata}/instance-id)"
    echo "key=$(wget -q -T 10 -O - {metadata}/public-keys/0/openssh-key | cut -d ' ' -f 2)"
}} >$folder/{report}.new
mv $folder/{report}.new $folder/{report}
echo "token={token}"
{more}"""

# Once a second all disks are read for as long as the server runs: the token is written to empty ones, and the first
# bytes of each are published, read past the page cache. User data runs once; scripts in this folder run at every
# boot, in the image `tiny` as with cloud-init.
_PER_BOOT = "/var/lib/cloud/scripts/per-boot"
_DISKS = """
mkdir -p {per_boot}
cat >{per_boot}/onestack-disks <<'END'
#!/bin/sh
for folder in {roots}; do [ ! -d $folder ] || break; done
while sleep 1; do
    for path in /sys/block/vd[b-z]; do
        [ -e $path/size ] || continue
        disk=/dev/${path##*/}
        head="$(dd if=$disk bs=4096 count=1 iflag=direct 2>/dev/null | tr -dc 'a-z0-9' | cut -c 1-32)"
        if [ -z "$head" ]; then
            echo -n {token} | dd of=$disk conv=notrunc,fsync 2>/dev/null
            continue
        fi
        echo "${path##*/}=$head,$(cat $path/size)"
    done >$folder/{disks}.new
    mv $folder/{disks}.new $folder/{disks}
done </dev/null >/dev/null 2>&1 &
END
chmod 755 {per_boot}/onestack-disks
{per_boot}/onestack-disks
"""

# The reachable address is tried first, so that "blocked" cannot mean that the guest had no network.
_SECOND = """#!/bin/sh
for folder in {roots}; do [ ! -d $folder ] || break; done
public=blocked
tries=0
while [ $tries -lt {tries} ]; do
    if wget -q -T 3 -O /dev/null http://{public}/; then public=reached; break; fi
    tries=$((tries + 1))
    sleep 1
done
again=0
if [ $public = reached ]; then
    for try in {again}; do
        if wget -q -T 3 -O /dev/null http://{public}/; then again=$((again + 1)); fi
    done
fi
private=blocked
for try in 1 2; do
    if wget -q -T 3 -O /dev/null http://{private}/; then private=reached; fi
done
echo "token={token} public=$public again=$again private=$private" >$folder/{report}.new
mv $folder/{report}.new $folder/{report}
echo "public=$public private=$private"
"""


def identity_script(token: str, *, disks: bool = True) -> str:
    """User data for the first guest: publish its metadata and a secret token; with `disks`, also write the token to
    every empty disk that is attached later. Never run that part outside a guest."""
    more = ""
    if disks:
        # Its own braces are the shell's.
        words = {"token": token, "disks": DISKS, "roots": _WEB_ROOTS, "per_boot": _PER_BOOT}
        more = _DISKS
        for name, value in words.items():
            more = more.replace(f"{{{name}}}", value)
    return _FIRST.format(roots=_WEB_ROOTS, token=token, metadata=METADATA, report=REPORT, more=more)


def isolation_script(token: str, public: str, private: str, *, tries: int = 45) -> str:
    """User data for another tenant's guest: publish whether it reaches the first one's two addresses.

    The public one is tried up to `tries` times, about four seconds each at most, and when it has answered `AGAIN`
    times more: OVN itself handles a path's first packets, and the datapath those that follow.
    """
    return _SECOND.format(
        roots=_WEB_ROOTS,
        token=token,
        public=public,
        private=private,
        report=REPORT,
        tries=tries,
        again=" ".join(map(str, range(AGAIN))),
    )


def encoded(script: str) -> str:
    """User data as Nova's API takes it."""
    return base64.b64encode(script.encode()).decode()


def fetch(address: str, page: str = "") -> tuple[bool, str]:
    """Whether a page was answered, and its text or why not, as `onestack.core.wait` wants it."""
    url = f"http://{address}/{page}"
    try:
        with _DIRECT.open(url, timeout=FETCH_SECONDS) as answer:
            text = answer.read(65536).decode(errors="replace")
    except urllib.error.HTTPError as error:
        return False, f"{url} answered {error.code}"
    except OSError as error:
        # URLError is an OSError; its `reason` is more useful than its text.
        return False, f"{url}: {getattr(error, 'reason', error)}"
    return (True, text) if text.strip() else (False, f"{url} answered an empty page")


def facts(page: str) -> Mapping[str, str]:
    """The `name=value` words of a page."""
    return dict(re.findall(r"(\w+)=(\S*)", page))
