"""`openstack onestack plan` and `drift`: a spec compared with the cloud, with the account of the command line."""

from __future__ import annotations

from typing import Any

from osc_lib.command import command
from osc_lib.exceptions import CommandError

from onestack.core.errors import OneStackError
from onestack.workloads.openstack.account import Account
from onestack.workloads.other_cloud import OtherCloud
from onestack.workloads.plan import Plan
from onestack.workloads.plan.document import plain

COLUMNS = ("Action", "Kind", "Name", "Fields", "Line")
CHANGES = 2
"""The exit status of `drift` where somebody changed something."""


class _Compared(command.Lister):
    found: Plan | None = None

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument("spec", metavar="<spec>", help="File that says what is wanted")
        return parser

    def _compare(self, cloud: OtherCloud, parsed_args: Any) -> Plan:
        raise NotImplementedError

    def take_action(self, parsed_args: Any) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        manager: Any = self.app.client_manager
        connection = manager.onestack
        name = connection.config.name or "envvars"

        def connect(**auth: Any) -> Any:
            return connection.connect_as(**auth) if auth else connection

        try:
            cloud = OtherCloud(name, account=Account(name, connect))
            self.found = self._compare(cloud, parsed_args)
        except OneStackError as error:
            said = [error.summary, error.detail, str(error.where or ""), error.hint]
            raise CommandError("\n".join(each for each in said if each)) from error
        for note in self.found.notes:
            self.app.stderr.write(f"{note}\n")
        return COLUMNS, [
            (
                change.action,
                change.address.kind,
                "/".join(change.address.path),
                ", ".join(
                    f"{key}: {plain(was)} -> {plain(now)}"
                    for key, (was, now) in sorted(change.fields.items())
                )
                if change.action == "update"
                else "",
                f"{change.place.file}:{change.place.line}" if change.place else "",
            )
            for change in self.found.changes
        ]


class PlanSpec(_Compared):
    """Show what would change so that the cloud is what a spec says. Nothing is changed."""

    def get_parser(self, prog_name: str) -> Any:
        parser = super().get_parser(prog_name)
        parser.add_argument("--prune", action="store_true", help="Delete what was removed from the spec")
        parser.add_argument(
            "--adopt", action="store_true", help="Adopt existing resources that have a name in it"
        )
        return parser

    def _compare(self, cloud: OtherCloud, parsed_args: Any) -> Plan:
        return cloud.plan(parsed_args.spec, prune=parsed_args.prune, adopt=parsed_args.adopt)


class ShowDrift(_Compared):
    """Show what somebody changed by hand. Exit status: 0 nothing, 2 something."""

    def _compare(self, cloud: OtherCloud, parsed_args: Any) -> Plan:
        return cloud.drift(parsed_args.spec)

    def run(self, parsed_args: Any) -> int:
        status = int(super().run(parsed_args) or 0)
        return CHANGES if not status and self.found and not self.found.empty else status
