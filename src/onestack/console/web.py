"""The console's web application: who may see it, which page it is, what may be done. No logic of the cloud's."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from onestack.console import audit, links, tasks
from onestack.console.asking import Answer
from onestack.console.http import Request, Response, redirect
from onestack.console.links import Session, Sessions
from onestack.console.pages import FOLDER, PAGES, PARTS, Page, environment
from onestack.console.places import checked, plan_file, plans_folder
from onestack.core.paths import Paths

_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
LIVE_SECONDS = 1.0
"""Seconds between two looks at the tasks for the strip."""
SILENT_SECONDS = 20.0
"""After so long without news a comment is sent, by which a browser that is gone is noticed."""
_STRIP = 5
"""How many tasks the strip shows."""


class Reader(Protocol):
    """What answers the pages' questions."""

    def ask(self, read: str, given: dict[str, Any], seconds: float) -> Answer: ...


class App:
    """The application of one cloud. `port`: where it is served, for the names by which it may be asked."""

    def __init__(self, paths: Paths, reader: Reader, port: int, root: str = "") -> None:
        self._paths, self._reader = paths, reader
        self._names = {f"127.0.0.1:{port}", f"localhost:{port}"}
        # Browsers send cookies to all ports of a host: another console has another one.
        self._cookie = f"onestack-console-{port}"
        self._sessions = Sessions()
        self._templates = environment()
        self._root = root
        self._ended = threading.Event()
        self._posts: Mapping[str, Callable[[Request, Session], Response]] = {
            "/restart": self._restart,
            "/part/plan": self._plan,
            "/apply": self._apply,
            "/logout": self._logout,
        }

    def end(self) -> None:
        """End all streams."""
        self._ended.set()

    def answer(self, request: Request) -> Response:
        """The response to any request; what goes wrong in it is a page, too."""
        if request.header("host") not in self._names:
            # Another name that leads here belongs to a page that tries to pass for this one.
            return Response(b"this console answers at 127.0.0.1 only\n", 403, "text/plain")
        if request.path.startswith("/static/") and request.method == "GET":
            return _static(request.path)
        if request.path == "/login" and request.method == "GET":
            return self._login(request)
        session = self._sessions.find(request.cookies.get(self._cookie, ""))
        if session is None:
            return self._page("login.html", None, 401, used=False)
        if request.method == "POST":
            return self._post(request, session)
        return self._get(request, session)

    def _get(self, request: Request, session: Session) -> Response:
        for page in PAGES:
            if request.path == page.path:
                return self._shown(page, request, session)
        if request.path.startswith("/part/"):
            return self._part(request.path.removeprefix("/part/"), request.query)
        if request.path == "/live/tasks":
            return Response(kind="text/event-stream", stream=self._live())
        if request.path == "/restart":
            name = request.query.get("name", "")
            return self._page("restart.html", session, name=name, title=f"Restart {name}")
        if request.path.startswith("/tasks/"):
            return self._task(request.path.removeprefix("/tasks/"), session)
        return self._page("missing.html", session, 404, title="No such page")

    def _post(self, request: Request, session: Session) -> Response:
        given = request.header("x-csrf-token") or request.form.get("csrf", "")
        origin = request.header("origin")
        if not session.may_post(given) or (origin and origin.removeprefix("http://") not in self._names):
            return Response(
                b"this form is not of this console's page: load the page again\n", 403, "text/plain"
            )
        act = self._posts.get(request.path)
        return act(request, session) if act else Response(b"no such action\n", 404, "text/plain")

    def _login(self, request: Request) -> Response:
        user = links.use(self._paths, request.query.get("token", ""))
        if user is None:
            return self._page("login.html", None, 403, used=True)
        audit.write(self._paths, "login", user)
        cookie = f"{self._cookie}={self._sessions.begin(user)}; Path=/; HttpOnly; SameSite=Strict"
        # A page and not a redirect: a cookie that is strict is not sent on one that began at another site.
        return self._page("welcome.html", None, headers={"Set-Cookie": cookie})

    def _logout(self, request: Request, session: Session) -> Response:
        self._sessions.end(request.cookies.get(self._cookie, ""))
        return redirect("/")

    def _shown(self, page: Page, request: Request, session: Session) -> Response:
        known = tasks.known(self._paths) if page.path == "/tasks" else []
        return self._page(
            page.template, session, title=page.title, page=page, parts=PARTS, query=request.query, known=known
        )

    def _part(self, name: str, query: Mapping[str, str], **more: Any) -> Response:
        part = PARTS.get(name)
        if part is None:
            return Response(b"no such part\n", 404, "text/plain")
        given = {key: query[key] for key in part.takes if query.get(key)} | more
        return self._filled(name, self._reader.ask(part.read, given, part.seconds))

    def _filled(self, name: str, answer: Answer) -> Response:
        template = "problem.html" if answer.problem else f"parts/{name}.html"
        text = self._templates.get_template(template).render(
            data=answer.data, problem=answer.problem, title=PARTS[name].title
        )
        return Response(text.encode())

    def _plan(self, request: Request, session: Session) -> Response:
        form = request.form
        given: dict[str, Any] = {"file": ""}
        if form.get("which") == "mine":
            folder = plans_folder(self._paths)
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            file = folder / f"{secrets.token_hex(8)}.yaml"
            file.touch(mode=0o600)
            file.write_text(form.get("spec", ""))
            given["file"] = str(file)
        given |= {name: form.get(name) == "yes" for name in ("prune", "adopt")}
        given["drift"] = form.get("what") == "drift"
        part = PARTS["plan"]
        answer = self._reader.ask(part.read, given, part.seconds)
        template = "problem.html" if answer.problem else "parts/plan.html"
        text = self._templates.get_template(template).render(
            data=answer.data,
            problem=answer.problem,
            title="The plan",
            session=session,
            drift=given["drift"],
            own=given["file"],
        )
        return Response(text.encode())

    def _apply(self, request: Request, session: Session) -> Response:
        if request.form.get("confirm") != "yes":
            return Response(b"not confirmed: nothing was done\n", 400, "text/plain")
        try:
            there = plan_file(self._paths, request.form.get("plan", "")).exists()
        except ValueError:
            there = False
        if not there:
            return Response(b"this plan is too old: make a new one\n", 404, "text/plain")
        plan = request.form["plan"]
        return self._begun("apply", "Apply a plan", session, plan=plan)

    def _restart(self, request: Request, session: Session) -> Response:
        name = request.form.get("name", "")
        if request.form.get("confirm") != "yes":
            return Response(b"not confirmed: nothing was done\n", 400, "text/plain")
        return self._begun("restart", f"Restart {name}", session, name=name)

    def _begun(self, kind: str, title: str, session: Session, **given: str) -> Response:
        ident = tasks.start(self._paths, kind, title, session.user, **given)
        audit.write(self._paths, kind, session.user, about=" ".join(given.values()), task=ident)
        return redirect(f"/tasks/{ident}")

    def _task(self, ident: str, session: Session) -> Response:
        ident, _, live = ident.partition("/")
        try:
            found = tasks.read(self._paths, checked(ident))
        except ValueError:
            found = None
        if found is None:
            return self._page("missing.html", session, 404, title="No such task")
        if live:
            return Response(self._templates.get_template("parts/task.html").render(task=found).encode())
        return self._page("task.html", session, title=found.title, task=found)

    def _live(self) -> Iterator[bytes]:
        """The strip of tasks as server-sent events: at once, and whenever it changes."""
        said, at = "", 0.0
        while not self._ended.is_set():
            known = tasks.known(self._paths, _STRIP)
            text = self._templates.get_template("parts/strip.html").render(known=known)
            now = time.monotonic()
            if text != said:
                said, at = text, now
                lines = "".join(f"data: {line}\n" for line in text.splitlines())
                yield f"event: tasks\n{lines}\n".encode()
            elif now - at > SILENT_SECONDS:
                at = now
                yield b": nothing new\n\n"
            self._ended.wait(LIVE_SECONDS)

    def _page(
        self,
        template: str,
        session: Session | None,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        **shown: Any,
    ) -> Response:
        given = {"title": "OneStack", "page": None, "query": {}, **shown}
        text = self._templates.get_template(template).render(
            pages=PAGES, session=session, root=self._root, **given
        )
        return Response(text.encode(), status, headers=headers or {})


def _static(path: str) -> Response:
    name = Path(path).name
    file = FOLDER / "static" / name
    if path != f"/static/{name}" or file.suffix not in _KINDS or not file.is_file():
        return Response(b"no such file\n", 404, "text/plain")
    return Response(
        file.read_bytes(), kind=f"{_KINDS[file.suffix]}; charset=utf-8", headers={"Cache-Control": "no-cache"}
    )
