"""Who may do what: domains, users, groups, application credentials."""

from __future__ import annotations

import re
from collections.abc import Iterator

from onestack.language.types import Bool, Problem, Section, Text, example
from onestack.language.words import Named, RoleRef, SecretRef, UserRef


class Domain(Named):
    """A container of tenants, users and groups, with names of its own."""

    model_config = example("""\
domains:
  - {name: acme, description: The company}
tenants:
  - {name: shop, domain: acme}
""")

    description: Text = ""
    """What it is for."""
    enabled: Bool = True
    """Whether its users may log in."""


class Role(Named):
    """A role beside those every cloud has (admin, manager, member, reader, service)."""

    model_config = example("""\
roles:
  - {name: auditor, description: May look at everything}
""")

    description: Text = ""
    """What it allows."""


class User(Named):
    """A person or a program that may log in."""

    model_config = example("""\
tenants:
  - name: shop
    users:
      - {name: anna, password: env:ANNA_PASSWORD, roles: [member], email: anna@example.org}
      - {name: robot, password: generated, roles: [reader]}
""")

    password: SecretRef = "generated"
    """Where the password lies; it is set when the user is made. `generated`: in a file only root reads."""
    roles: tuple[RoleRef, ...] = ()
    """The roles it has in this tenant."""
    email: Text | None = None
    """Its address."""
    description: Text = ""
    """Who it is."""
    enabled: Bool = True
    """Whether it may log in."""
    password_expires: Bool = True
    """Whether the cloud's rules on the age of passwords hold for it."""
    must_change_password: Bool = False
    """Whether it must choose a password of its own at its first login."""
    mfa: tuple[tuple[Text, ...], ...] = ()
    """Ways to log in, each a list of methods that must all succeed: `[[password, totp]]`."""


class Group(Named):
    """Users that have roles together."""

    model_config = example("""\
tenants:
  - name: shop
    users: [{name: anna}, {name: bert}]
    groups:
      - {name: operators, users: [anna, bert], roles: [member]}
""")

    users: tuple[UserRef, ...] = ()
    """Its members."""
    roles: tuple[RoleRef, ...] = ()
    """The roles its members have in this tenant."""
    description: Text = ""
    """What it is for."""


class AccessRule(Section):
    """One thing an application credential may be used for."""

    model_config = example("""\
tenants:
  - name: shop
    users: [{name: robot, roles: [member]}]
    application_credentials:
      - name: ci
        user: robot
        access_rules: [{service: compute, method: GET, path: /v2.1/servers}]
""")

    service: Text
    """The service's type: compute."""
    method: Text
    """The HTTP method."""
    path: Text
    """The path, `*` for a part of it, `**` for all that follows."""


class ApplicationCredential(Named):
    """What a program logs in with in place of its user's password; its secret is written to a file of root's."""

    model_config = example("""\
tenants:
  - name: shop
    users: [{name: robot, roles: [member]}]
    application_credentials:
      - {name: ci, user: robot, roles: [member], expires: "2030-01-01T00:00:00"}
""")

    user: UserRef
    """Whose it is."""
    roles: tuple[RoleRef, ...] = ()
    """The roles it has; without them all of its user's."""
    access_rules: tuple[AccessRule, ...] = ()
    """What it may be used for; without them everything."""
    expires: Text | None = None
    """When it ends, in UTC: 2030-01-01T00:00:00"""
    description: Text = ""
    """What it is for."""

    def problems(self) -> Iterator[Problem]:
        if self.expires and not re.fullmatch(r"\d{4}-\d\d-\d\d(T\d\d:\d\d:\d\d)?", self.expires):
            yield Problem(
                f"'{self.expires}' is no moment", "a moment in UTC: 2030-01-01T00:00:00", path=("expires",)
            )
