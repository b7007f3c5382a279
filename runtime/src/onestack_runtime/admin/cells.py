"""Where Nova's API finds the message bus of its cell: a template in the database, filled in from nova.conf.

A cloud that takes on its second host moves from the bus inside its process, whose URL names no server, to RabbitMQ,
and back when one host is left. The template says what there is to fill in, and is exchanged when that changes. Dumps
of migrated databases hold that of one host.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from onestack_runtime.admin.migrate import CELL1_TRANSPORT, CELL1_UUID

_SERVER = "{{username{n}}}:{{password{n}}}@{{hostname{n}}}:{{port{n}}}"


def transport_template(url: str) -> str:
    """For a `transport_url` such as this one. It holds no secret.

    Of several servers Nova calls the parts username1, username2 and so on.
    """
    servers = urlsplit(url).netloc
    if not servers:
        return CELL1_TRANSPORT
    count = servers.count(",") + 1
    numbers = [""] if count == 1 else [str(number) for number in range(1, count + 1)]
    return "{scheme}://" + ",".join(_SERVER.format(n=number) for number in numbers) + "/{path}?{query}"


def settle() -> None:
    """Give the cell the template for nova.conf as it is, which must have been read.

    To be called before anything uses the cell: the former template may make no URL of it.
    """
    from nova import context, objects
    from nova.conf import CONF

    mapping = objects.CellMapping.get_by_uuid(context.get_admin_context(), CELL1_UUID)
    template = transport_template(CONF.transport_url)
    if mapping.transport_url != objects.CellMapping.format_mq_url(template):
        mapping.transport_url = template
        mapping.save()
