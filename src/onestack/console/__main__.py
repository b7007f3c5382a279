"""The console's process: `onestack console` becomes it, so that it has nothing in memory but what it needs."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from contextlib import suppress
from types import FrameType

from onestack.console import links
from onestack.console.asking import Readers
from onestack.console.http import server
from onestack.console.places import state_file
from onestack.console.web import App
from onestack.core.errors import BadInput
from onestack.core.paths import Paths


def main(root: str, cache: str, port: str, user: str, browse: str, as_json: str) -> None:
    """Serve until SIGINT or SIGTERM. Prints the one-time link."""
    paths = Paths.at(root, cache)
    reader = Readers(root, cache)
    application: list[App] = []
    try:
        web = server(int(port), lambda request: application[0].answer(request))
    except OSError as error:
        raise BadInput(
            f"127.0.0.1:{port} cannot be bound: {error.strerror or error}",
            hint="stop the process that listens there, or choose another --port",
        ) from error
    where = "" if paths.is_default else f" --root {paths.root}"
    application.append(App(paths, reader, web.server_port, where))
    state = state_file(paths)
    state.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    state.write_text(json.dumps({"pid": os.getpid(), "port": web.server_port}))
    ended = threading.Event()

    def end(number: int, frame: FrameType | None) -> None:
        ended.set()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, end)
    threading.Thread(target=web.serve_forever, name="web", daemon=True).start()
    say(paths, web.server_port, user, browse=browse == "yes", as_json=as_json == "yes")
    ended.wait()
    application[0].end()
    reader.close()
    web.shutdown()
    with suppress(FileNotFoundError):
        state.unlink()
    # Streams that are open must not keep it.
    sys.stdout.flush()
    os._exit(0)


def say(paths: Paths, port: int, user: str, *, browse: bool, as_json: bool) -> None:
    """Print a new one-time link, and open it in the user's browser."""
    url = f"http://127.0.0.1:{port}/login?token={links.new_link(paths, user)}"
    minutes = links.LINK_SECONDS / 60
    text = f"{url}\n  for one login, within {minutes:.0f} minutes; Ctrl-C where it was started ends the console\n"
    sys.stdout.write(json.dumps({"url": url, "port": port}) + "\n" if as_json else text)
    sys.stdout.flush()
    if browse:
        import webbrowser

        webbrowser.open(url)


if __name__ == "__main__":
    try:
        main(*sys.argv[1:7])
    except BadInput as wrong:
        sys.stderr.write(f"error: {wrong.summary}\n  next:  {wrong.hint}\n")
        sys.exit(wrong.exit_status)
