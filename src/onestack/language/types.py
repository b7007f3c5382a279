"""The types of values in a spec, each with the description of what it allows.

Values are not coerced: text must be text, a number a number. Only a number where a name is expected (`release:
2026.2`) is taken as the text that was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, ip_address
from pathlib import PurePosixPath
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetJsonSchemaHandler,
    PlainSerializer,
    Strict,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

from onestack.language.docstrings import described
from onestack.language.source import Path, WrittenFloat, WrittenInt

REFUSED = "refused"


@dataclass(frozen=True)
class Problem:
    """A problem that a validator found. `path`: relative to what is validated. `allowed`: what is allowed; empty: as
    in the schema."""

    summary: str
    allowed: str = ""
    hint: str = ""
    path: Path = ()


def refused(*problems: Problem) -> PydanticCustomError:
    """The exception that carries `problems` through pydantic."""
    words = "; ".join(problem.summary for problem in problems)
    return PydanticCustomError(REFUSED, "{words}", {"words": words, "problems": problems})


class Section(BaseModel):
    """A mapping in the spec. Unknown keys are refused; instances are immutable."""

    # Most sections are validated only as parts of a spec: validators of their own would be built for nothing.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> Any:
        made = handler(core)
        properties = handler.resolve_ref_schema(made).get("properties", {})
        for name, about in described(cls).items():
            if (field := cls.model_fields.get(name)) and (key := field.alias or name) in properties:
                properties[key].setdefault("description", about)
        return made

    def problems(self) -> Iterator[Problem]:
        """Problems between several keys, each of which is valid by itself."""
        return iter(())

    @model_validator(mode="after")
    def _hold_together(self) -> Self:
        if found := tuple(self.problems()):
            raise refused(*found)
        return self


def example(text: str) -> ConfigDict:
    """A section's example, a complete file, for the reference."""
    return ConfigDict(json_schema_extra={"x-example": text})


def as_written(value: Any) -> Any:
    """Numbers as text, as the user wrote them."""
    return value.written if isinstance(value, (WrittenInt, WrittenFloat)) else value


def words(value: object) -> str:
    """A value as messages quote it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    return f"'{as_written(value)}'"


Int = Annotated[int, Strict()]
Number = Annotated[float, Strict()]
Bool = Annotated[bool, Strict()]
Text = Annotated[str, BeforeValidator(as_written), Strict()]


def pattern(regex: str, allowed: str) -> BeforeValidator:
    """Text that matches a pattern; `allowed` describes it."""
    compiled = re.compile(regex)

    def check(value: Any) -> Any:
        text = as_written(value)
        if not isinstance(text, str):
            raise refused(Problem(f"expected text, got {words(value)}", allowed, "put it in quotes"))
        if not compiled.fullmatch(text):
            raise refused(Problem(f"{words(text)} is not valid here", allowed))
        return text

    return BeforeValidator(check)


def text_schema(allowed: str, **extra: Any) -> WithJsonSchema:
    """The schema of such a text."""
    return WithJsonSchema({"type": "string", "x-allowed": allowed, **extra})


_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_NAME = "lower-case letters, digits and dashes, beginning and ending with a letter or digit, at most 63"
_DNS = "a DNS name in lower case: cloud.example.org"
_NIC = "a network interface's name: 1 to 15 characters without blanks, '/' or ':'"
_LOGIN = "a user's login name: lower-case letters, digits, '-' and '_', at most 32"
_FILE = "an absolute path"
_IP = "an IP address: 192.0.2.10"
_CIDR = "an IPv4 network with its prefix length: 172.24.4.0/24"

Name = Annotated[str, pattern(_LABEL, _NAME), text_schema(_NAME, pattern=f"^{_LABEL}$")]
DnsName = Annotated[
    str, pattern(rf"(?=.{{1,253}}$)({_LABEL}\.)*{_LABEL}", _DNS), text_schema(_DNS, format="hostname")
]
LoginName = Annotated[str, pattern(r"[a-z_][a-z0-9_-]{0,31}", _LOGIN), text_schema(_LOGIN)]
InterfaceName = Annotated[str, pattern(r"(?!\.\.?$)[^\s/:]{1,15}", _NIC), text_schema(_NIC)]


def _file(value: Any) -> Any:
    if isinstance(value, PurePosixPath):
        return value
    if not isinstance(value, str) or not value.startswith("/"):
        raise refused(Problem(f"{words(value)} is not an absolute path", _FILE))
    return PurePosixPath(value)


def _address(value: Any) -> Any:
    if isinstance(value, (IPv4Address, IPv6Address)):
        return value
    try:
        return ip_address(only_text(value, _IP))
    except ValueError as error:
        raise refused(Problem(f"{words(value)} is not an IP address", _IP)) from error


def _address4(value: Any) -> Any:
    address = _address(value)
    if isinstance(address, IPv6Address):
        raise refused(
            Problem(f"{words(str(value))} is IPv6; this must be IPv4", "an IPv4 address: 172.24.4.1")
        )
    return address


def _network4(value: Any) -> Any:
    if isinstance(value, IPv4Network):
        return value
    text = only_text(value, _CIDR)
    if "/" not in text:
        raise refused(Problem(f"{words(text)} has no prefix length", _CIDR))
    try:
        network = IPv4Network(text, strict=False)
    except ValueError as error:
        kind = "is IPv6; this must be IPv4" if text.count(":") > 1 else "is not a network"
        raise refused(Problem(f"{words(text)} {kind}", _CIDR)) from error
    if str(network.network_address) != text.split("/")[0]:
        raise refused(Problem(f"{words(text)} has host bits set", _CIDR, f"did you mean '{network}'?"))
    return network


def only_text(value: Any, allowed: str) -> str:
    """Text without surrounding blanks; a problem for any other type."""
    if not isinstance(value, str):
        raise refused(Problem(f"expected text, got {words(value)}", allowed))
    return value.strip()


def kind_of(check: Callable[[Any], Any], allowed: str, form: str) -> tuple[Any, ...]:
    """A type of value: how it is validated, serialized, and described in the schema."""
    return (
        BeforeValidator(check),
        PlainSerializer(str, return_type=str),
        WithJsonSchema({"type": "string", "format": form, "x-allowed": allowed}),
    )


File = Annotated[PurePosixPath, *kind_of(_file, _FILE, "path")]
IPAddress = Annotated[IPv4Address | IPv6Address, *kind_of(_address, _IP, "ip")]
Address4 = Annotated[IPv4Address, *kind_of(_address4, "an IPv4 address: 172.24.4.1", "ipv4")]
Network4 = Annotated[IPv4Network, *kind_of(_network4, _CIDR, "cidr")]
