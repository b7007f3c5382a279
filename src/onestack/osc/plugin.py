"""What `openstack` asks of a plugin. It is imported at each start of the client, so it imports nothing itself."""

from __future__ import annotations

from typing import Any

API_NAME = "onestack"
API_VERSION_OPTION = "os_onestack_api_version"
DEFAULT_API_VERSION = "1"
API_VERSIONS = {"1": "onestack.osc.plugin"}


def make_client(instance: Any) -> Any:
    """The client of commands: openstacksdk's connection with the account of the command line."""
    return instance.sdk_connection


def build_option_parser(parser: Any) -> Any:
    """No options of its own."""
    return parser
