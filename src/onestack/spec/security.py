"""The spec's section on logins: what passwords must be like, and what happens to who guesses."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field

from onestack.language.quantities import Duration
from onestack.language.types import Bool, Int, Problem, Section, example

DAY = 86400.0
_LOCKED = 1800.0


class Security(Section):
    """Rules for the logins of people (Keystone's `[security_compliance]`). The cloud's own users, `admin` among them,
    are exempt from locking and expiry."""

    model_config = example("""\
platform:
  security: {lockout_attempts: 6, lockout_time: 30m, password_length: 12, password_mixed: true}
""")

    lockout_attempts: Annotated[Int, Field(ge=1, le=1000)] | None = None
    """After so many failed logins in succession a user is locked. Default: never."""
    lockout_time: Duration = Field(default=_LOCKED, json_schema_extra={"x-default": "`30m`"})
    """How long, 1s to 365d, where `lockout_attempts` says when."""
    password_length: Annotated[Int, Field(ge=1, le=64)] = 1
    """The number of characters that a new password must have at least."""
    password_mixed: Bool = False
    """Whether a new password must have a small letter, a capital letter and a digit."""
    password_history: Annotated[Int, Field(ge=0, le=100)] = 0
    """A new password must be none of the last so many, the present one included. 0: any."""
    password_days: Annotated[Int, Field(ge=1, le=3650)] | None = None
    """A password expires after so many days, from its next change on. Default: never."""
    inactive_days: Annotated[Int, Field(ge=1, le=3650)] | None = None
    """A user without a login for so many days is disabled. Default: never."""

    def problems(self) -> Iterator[Problem]:
        if not 1 <= self.lockout_time <= 365 * DAY:
            yield Problem(
                f"{self.lockout_time:g} s is not a valid time", "1s to 365d", path=("lockout_time",)
            )
        if self.password_mixed and self.password_length < 3:
            yield Problem(
                "three kinds of characters need three characters",
                "a 'password_length' of 3 to 64",
                path=("password_mixed",),
            )

    @property
    def pattern(self) -> str | None:
        """The regular expression for new passwords; None: any."""
        if self.password_length == 1 and not self.password_mixed:
            return None
        kinds = "(?=.*[a-z])(?=.*[A-Z])(?=.*[0-9])" if self.password_mixed else ""
        return f"^{kinds}.{{{self.password_length},}}$"

    @property
    def pattern_in_words(self) -> str:
        """The same, for who chooses a password."""
        kinds = ", with a small letter, a capital letter and a digit" if self.password_mixed else ""
        return f"a password of {self.password_length} or more characters{kinds}"
