"""Why a volume failed, does not get ready or cannot be attached, by what was read of it and of Cinder."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from onestack.health.why.collect_volume import room
from onestack.health.why.model import Quota
from onestack.health.why.observations import Attachment, Backend, Target, VolumeObservation
from onestack.health.why.volume import diagnose

FILES = Backend("c1@files", backend_name="files", free=30.0, total=100.0)
VOLUME = VolumeObservation(
    id="v1",
    name="data",
    project="shop",
    status="available",
    size=10,
    host="c1@files#files",
    volume_type="files",
    wanted_backend="files",
    zone="nova",
    backends=(FILES,),
    quotas=(Quota("gigabytes", 100, 10),),
)
LOST = replace(
    VOLUME, status="error", host="", messages=("schedule allocate volume: Could not find a backend.",)
)
HAD = Attachment("s1", "web-1", "c1", "/dev/vdb")
WEB = Target("s2", "web-2", "ACTIVE", "n1")


@pytest.mark.parametrize(
    ("seen", "cause", "words"),
    [
        (
            replace(LOST, size=500),
            "backend",
            "could not be created: the only backend, 'c1@files', has 30 of 100 GiB free, and 500 are wanted",
        ),
        (replace(LOST, backends=(replace(FILES, up=False),)), "backend", "'c1@files', is down"),
        (
            replace(LOST, backends=(replace(FILES, enabled=False, disabled_reason="new disk"),)),
            "backend",
            "is disabled (new disk)",
        ),
        (
            replace(LOST, wanted_backend="fast", volume_type="fast"),
            "backend",
            "is called 'files', and the type 'fast' wants 'fast'",
        ),
        (replace(LOST, zone="east"), "backend", "is in the zone 'nova', not in 'east'"),
        (replace(LOST, backends=()), "backend", "Cinder has no backend"),
        (LOST, "passed", "found no backend for it; now c1@files could take it"),
        (
            replace(VOLUME, status="error", errors=("Image is unacceptable.",)),
            "failed",
            "volume 'data' could not be created: Image is unacceptable",
        ),
        (
            replace(VOLUME, status="error_extending", messages=("extend volume: too large.",)),
            "failed",
            "could not be extended: extend volume: too large",
        ),
        (replace(VOLUME, status="error_deleting"), "failed", "neither Cinder's messages nor its log say why"),
        (
            replace(VOLUME, status="error_deleting", backends=(replace(FILES, up=False),)),
            "service",
            "cinder-volume of its backend 'c1@files' is down",
        ),
        (
            replace(VOLUME, status="creating", services_down=("cinder-scheduler",), age=3),
            "service",
            "is creating since 3 s: cinder-scheduler does not answer",
        ),
        (replace(VOLUME, status="detaching", age=300), "stuck", "is detaching since 300 s"),
        (
            replace(VOLUME, backends=(replace(FILES, up=False),)),
            "service",
            "is available, but cannot be changed",
        ),
        (
            replace(VOLUME, target=WEB, stored_on="c1"),
            "elsewhere",
            "it is stored on the host 'c1', and the server runs on 'n1'",
        ),
        (replace(VOLUME, target=WEB, attachments=(HAD,)), "in-use", "server 'web-1' has it"),
        (replace(VOLUME, target=replace(WEB, status="ERROR")), "server", "the server is ERROR"),
        (
            replace(VOLUME, target=WEB, backends=(replace(FILES, enabled=False),)),
            "service",
            "cannot be attached to server 'web-2': cinder-volume of its backend 'c1@files' is disabled",
        ),
    ],
)
def test_what_stands_in_the_way_of_a_volume(seen: VolumeObservation, cause: str, words: str) -> None:
    found = diagnose(seen)
    assert (found.cause, found.ok) == (cause, False)
    assert words in found.verdict
    assert found.hint
    assert found.facts
    assert found.quotas


@pytest.mark.parametrize(
    ("seen", "words"),
    [
        (VOLUME, "volume 'data' is available: nothing stands in its way"),
        (replace(VOLUME, stored_on="c1"), "only servers of 'c1' can use it"),
        (replace(VOLUME, status="in-use", attachments=(HAD,)), "attached to server 'web-1'"),
        (replace(VOLUME, status="downloading", age=900), "is downloading since 900 s"),
        (replace(VOLUME, status="attaching", age=3), "is attaching since 3 s"),
        (replace(VOLUME, target=WEB), "nothing keeps volume 'data' from server 'web-2'"),
        (replace(VOLUME, target=WEB, stored_on="n1"), "nothing keeps"),
        (replace(VOLUME, target=WEB, attachments=(HAD,), multiattach=True), "nothing keeps"),
        (replace(VOLUME, target=replace(WEB, id="s1"), attachments=(HAD,)), "is attached to server 'web-2'"),
    ],
)
def test_nothing_stands_in_its_way(seen: VolumeObservation, words: str) -> None:
    found = diagnose(seen)
    assert found.ok
    assert words in found.verdict


def test_of_many_backends_it_is_said_how_many_lack_what() -> None:
    backends = (
        replace(FILES, name="a@x", up=False),
        replace(FILES, name="b@x", free=1.0),
        replace(FILES, name="c@x", free=1.0),
    )
    found = diagnose(replace(LOST, backends=backends))
    assert found.verdict.endswith("of 3 backends, 2 too full, 1 down")
    assert [(part.part, part.status) for part in found.parts] == [
        ("backend a@x", "down"),
        ("backend b@x", "up"),
        ("backend c@x", "up"),
    ]


@pytest.mark.parametrize(
    ("capabilities", "wanted"),
    [
        ({}, None),
        ({"total_capacity_gb": "unknown", "free_capacity_gb": "infinite"}, None),
        ({"total_capacity_gb": 100, "free_capacity_gb": 40, "reserved_percentage": 10}, 30.0),
        (
            {
                "total_capacity_gb": 100,
                "free_capacity_gb": 40,
                "thin_provisioning_support": True,
                "max_over_subscription_ratio": "2.0",
                "provisioned_capacity_gb": 150,
            },
            50.0,
        ),
    ],
)
def test_the_largest_volume_that_a_pool_takes(capabilities: dict[str, Any], wanted: float | None) -> None:
    assert room(capabilities) == wanted
