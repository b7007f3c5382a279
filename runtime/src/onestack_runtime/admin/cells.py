"""The message bus of Nova's cell: its URL in the database is a template, filled in from nova.conf.

When a second host joins, the cloud moves from the in-process bus, whose URL names no server, to RabbitMQ; when only
one host remains, it moves back. The two URLs have different parts, so the template is updated. Cached dumps of
migrated databases contain the template for one host.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from onestack_runtime.admin.migrate import CELL1_TRANSPORT, CELL1_UUID

_SERVER = "{{username{n}}}:{{password{n}}}@{{hostname{n}}}:{{port{n}}}"


def transport_template(url: str) -> str:
    """The template for a `transport_url`. It contains no secret.

    With several servers, Nova numbers the variables: username1, username2 and so on.
    """
    servers = urlsplit(url).netloc
    if not servers:
        return CELL1_TRANSPORT
    count = servers.count(",") + 1
    numbers = [""] if count == 1 else [str(number) for number in range(1, count + 1)]
    return "{scheme}://" + ",".join(_SERVER.format(n=number) for number in numbers) + "/{path}?{query}"


def update_template() -> None:
    """Update the cell's template to match nova.conf, which must have been read.

    Call it before anything uses the cell: the former template may not yield a valid URL.
    """
    from nova import context, objects
    from nova.conf import CONF

    mapping = objects.CellMapping.get_by_uuid(context.get_admin_context(), CELL1_UUID)
    template = transport_template(CONF.transport_url)
    if mapping.transport_url != objects.CellMapping.format_mq_url(template):
        mapping.transport_url = template
        mapping.save()
