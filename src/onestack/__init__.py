"""A real OpenStack cloud from one file and one command.

from onestack import Cloud

cloud = Cloud()
cloud.up()
cloud.run(lambda: [server.name for server in cloud.connect().compute.servers()])
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from onestack.cloud import Cloud
    from onestack.clouds import Clouds
    from onestack.workloads.other_cloud import OtherCloud

__all__ = ["Cloud", "Clouds", "OtherCloud"]


def __getattr__(name: str) -> Any:
    # Late: openstacksdk takes a second to import, and most modules of ours need none of it.
    if name == "Cloud":
        from onestack.cloud import Cloud

        return Cloud
    if name == "Clouds":
        from onestack.clouds import Clouds

        return Clouds
    if name == "OtherCloud":
        from onestack.workloads.other_cloud import OtherCloud

        return OtherCloud
    raise AttributeError(name)
