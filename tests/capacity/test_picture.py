"""The picture shows every host and every server, and says the verdict."""

from __future__ import annotations

from xml.etree import ElementTree as ET

from onestack.capacity import Demand, Host, Inventory, Wishes, analyse
from onestack.capacity.picture import draw
from onestack.core.svg import ticks

SVG = "{http://www.w3.org/2000/svg}"


def hosts(number: int) -> list[Host]:
    size = (Inventory(8), Inventory(8192), Inventory(100))
    return [Host(f"node-{n}", size) for n in range(1, number + 1)]


def test_every_server_is_drawn_on_its_host() -> None:
    report = analyse(hosts(4), [Demand("a<b", "s", (1, 512, 5), 6), Demand("c", "t", (2, 512, 5), 3)])
    picture = ET.fromstring(draw(report))
    hints = [each.text for each in picture.iter(f"{SVG}title")]
    assert report.placement is not None
    said = {
        f"{one.tenant}/{one.name} on {host}" for host, content in report.placement.items() for one in content
    }
    assert len(said) == 9
    assert said <= set(hints)


def test_the_worst_loss_is_marked() -> None:
    report = analyse(hosts(2), [Demand("a", "s", (8, 512, 5), 2)], Wishes(tolerate=1))
    texts = [each.text for each in ET.fromstring(draw(report)).iter(f"{SVG}text")]
    assert "It fits, but not after every loss of 1 host" in texts
    assert report.why_not() in texts


def test_a_cloud_of_nothing_can_be_drawn() -> None:
    assert ET.fromstring(draw(analyse([], []))).tag == f"{SVG}svg"


def test_axes_have_round_numbers() -> None:
    assert ticks(9) == [0, 2, 4, 6, 8, 10]
    assert ticks(0.9)[-1] >= 0.9
    assert ticks(1234)[-1] >= 1234
    assert 4 <= len(ticks(1234)) <= 8
