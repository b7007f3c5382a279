"""Who is told of alerts and metrics: a web hook, a mail server, and something that takes remote writes."""

from __future__ import annotations

import base64
import json
import socketserver
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

USER, PASSWORD = "cloud", "a secret"
_LET_IN = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()


@dataclass
class Told:
    """What was heard. `refused`: requests without the right password. `written`: bytes of remote writes."""

    alerts: list[dict[str, Any]] = field(default_factory=list)
    mails: list[str] = field(default_factory=list)
    refused: int = 0
    written: int = 0

    def names(self, status: str) -> set[str]:
        """The alerts that the web hook was told are `firing` or `resolved`."""
        return {each["labels"]["alertname"] for each in self.alerts if each["status"] == status}

    def start(self) -> tuple[ThreadingHTTPServer, socketserver.ThreadingTCPServer]:
        """Listen on two free ports of loopback: by HTTP for the others, by SMTP for mails."""
        told = self

        class Http(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                right = self.headers.get("Authorization") == _LET_IN
                if not right:
                    told.refused += 1
                elif self.path == "/hook":
                    told.alerts += json.loads(body)["alerts"]
                elif self.path == "/write":
                    told.written += len(body)
                self.send_response(200 if right else 401)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                pass

        class Smtp(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"220 here\r\n")
                while line := self.rfile.readline():
                    word = line.split(maxsplit=1)[0].upper() if line.strip() else b""
                    if word == b"DATA":
                        self.wfile.write(b"354 go on\r\n")
                        text = b"".join(iter(self.rfile.readline, b".\r\n"))
                        told.mails.append(text.decode())
                    self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")

        socketserver.ThreadingTCPServer.daemon_threads = True
        servers = (
            ThreadingHTTPServer(("127.0.0.1", 0), Http),
            socketserver.ThreadingTCPServer(("127.0.0.1", 0), Smtp),
        )
        for each in servers:
            threading.Thread(target=each.serve_forever, daemon=True).start()
        return servers
