"""What an application below a path is told of the request, and what its `Location` becomes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from onestack_runtime.serving.health import Health
from onestack_runtime.serving.http import Mount


def answered(location: str, **environ: str) -> tuple[dict[str, str], dict[str, Any]]:
    """The answer's headers for a `Location` of the application's, and the environment that it saw."""
    seen: dict[str, Any] = {}
    headers: dict[str, str] = {}

    def application(given: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        seen.update(given)
        start_response("201 Created", [("Content-Length", "0"), ("Location", location)])
        return [b""]

    def start_response(status: str, found: list[tuple[str, str]], *more: Any) -> None:
        headers.update(found)

    asked = {"PATH_INFO": "/image/v2/images", "HTTP_HOST": "cloud.example:8080", "wsgi.url_scheme": "http"}
    Mount(application, "image", Health())({**asked, **environ}, start_response)
    return headers, seen


@pytest.mark.parametrize(
    ("said", "becomes"),
    [
        # Glance's, as webob completes them.
        ("http://cloud.example:8080/v2/images/1", "http://cloud.example:8080/image/v2/images/1"),
        ("/v2/images/1?a=b", "/image/v2/images/1?a=b"),
        ("http://cloud.example:8080/image/v2/images/1", "http://cloud.example:8080/image/v2/images/1"),
        ("/image/v2/images/1", "/image/v2/images/1"),
        ("/images/1", "/image/images/1"),
        # Another machine's, a relative one, another port's.
        ("https://login.example/v2/images/1", "https://login.example/v2/images/1"),
        ("1", "1"),
        ("http://cloud.example/v2", "http://cloud.example/v2"),
    ],
)
def test_a_location_is_below_the_services_path(said: str, becomes: str) -> None:
    headers, _ = answered(said)
    assert headers == {"Content-Length": "0", "Location": becomes}


def test_the_gateway_says_what_the_client_spoke() -> None:
    assert answered("/", HTTP_X_FORWARDED_PROTO="https")[1]["wsgi.url_scheme"] == "https"
    assert answered("/", HTTP_X_FORWARDED_PROTO="javascript")[1]["wsgi.url_scheme"] == "http"
    assert answered("/")[1]["wsgi.url_scheme"] == "http"
