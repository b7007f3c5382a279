"""Has a running API gateway use another certificate, without a restart: no connection and no request is lost.

HAProxy reads certificates when it starts; its runtime API exchanges one for what comes from then on.
"""

from __future__ import annotations

import re
import socket
from typing import TYPE_CHECKING

from cryptography import x509

from onestack.core.errors import PermanentError
from onestack.core.events import Emit, step
from onestack.platform.places import GATEWAY_ADMIN, GATEWAY_CERTIFICATE

if TYPE_CHECKING:
    from onestack.platform.node import Node
    from onestack.platform.site import Site

STEP = "certificate of the APIs"
ADMIN_SECONDS = 10.0
_SERIAL = re.compile(r"^Serial: ([0-9A-F]+)$", re.M)


def take(site: Site, node: Node, emit: Emit) -> None:
    """Have the API gateway use the certificate in its file, unless it does. Raises PermanentError."""
    file = node.outside(GATEWAY_CERTIFICATE)
    text = file.read_text()
    wanted = x509.load_pem_x509_certificate(text.encode()).serial_number
    used = _SERIAL.search(_ask(node, f"show ssl cert {GATEWAY_CERTIFICATE}"))
    if used and int(used[1], 16) == wanted:
        return
    with step(STEP, emit):
        # An empty line ends what is given.
        given = "\n".join(line for line in text.splitlines() if line)
        for command in (
            f"set ssl cert {GATEWAY_CERTIFICATE} <<\n{given}\n",
            f"commit ssl cert {GATEWAY_CERTIFICATE}",
        ):
            said = _ask(node, command)
            if (
                "Transaction created" not in said
                and "Transaction updated" not in said
                and "Success" not in said
            ):
                _ask(node, f"abort ssl cert {GATEWAY_CERTIFICATE}")
                raise PermanentError(
                    "the API gateway does not take its new certificate",
                    where=str(file),
                    detail=said.strip(),
                    hint="`onestack down` and `up` start it with the file",
                )


def _ask(node: Node, command: str) -> str:
    with socket.socket(socket.AF_UNIX) as admin:
        admin.settimeout(ADMIN_SECONDS)
        try:
            admin.connect(str(node.outside(GATEWAY_ADMIN)))
            admin.sendall(f"{command}\n".encode())
            parts = []
            while part := admin.recv(65536):
                parts.append(part)
        except OSError as error:
            raise PermanentError(
                "the API gateway does not answer its administrator", where=GATEWAY_ADMIN, detail=str(error)
            ) from error
    return b"".join(parts).decode(errors="replace")
