"""The services as data: what holds for all of them, and what one must not get wrong."""

from __future__ import annotations

import configparser
from collections.abc import Mapping
from dataclasses import replace

import os_service_types
import pytest

from onestack.platform import catalogue, graph
from onestack.platform.services import CATALOGUE, _common
from onestack.platform.services.identity import BOOTSTRAP, bootstrap, wanted
from onestack.platform.shape import View, VolumeBackend
from onestack.spec.services import PROJECTS, REQUIRES
from onestack_runtime.replacements import registry


def read(text: str) -> Mapping[str, Mapping[str, str]]:
    """An oslo.config file's sections; fails when an option is there twice."""
    parser = configparser.RawConfigParser(default_section="none", delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return {name: dict(parser[name]) for name in parser.sections()}


def files(view: View) -> dict[str, Mapping[str, Mapping[str, str]]]:
    return {
        name: read(text)
        for service in CATALOGUE.values()
        for name, text in service.files(view).items()
        if not name.endswith(".json")
    }


def test_the_catalogue_is_the_one_that_the_spec_chooses_from() -> None:
    assert {type_: service.requires for type_, service in CATALOGUE.items()} == dict(REQUIRES)
    assert all(PROJECTS[service.name] == type_ for type_, service in CATALOGUE.items())


def test_each_service_comes_after_what_it_requires() -> None:
    order = list(CATALOGUE)
    for service in CATALOGUE.values():
        assert all(order.index(needed) < order.index(service.type) for needed in service.requires)


def test_processes_need_only_processes_and_steps_that_are_there(view: View) -> None:
    for each in (view, replace(view, virt_type="fake", fake_hosts=3)):
        names = [process.name for process in catalogue.processes(each)]
        names += [step.name for step in catalogue.steps(each)]
        assert len(names) == len(set(names))
        there = {*names, graph.DATABASES, BOOTSTRAP}
        for one in (*catalogue.processes(each), *catalogue.steps(each)):
            assert set(one.needs) <= there, one.name


def test_a_process_is_given_longer_to_end_than_its_runner_takes() -> None:
    from onestack_runtime import process as life

    assert life.STOP_SECONDS < 15  # shape.Process.stop_seconds of all but nova


def test_no_secret_shows_in_a_process_list(view: View) -> None:
    commands = [process.command for process in catalogue.processes(view)]
    commands += [step for service in CATALOGUE.values() for step in service.migrations(view)]
    commands.append(bootstrap())
    environments = [str(dict(process.environment)) for process in catalogue.processes(view)]
    everything = str(commands) + str(environments)
    assert not [name for name, value in view.secrets.items() if value in everything]


def test_every_secret_that_is_made_is_used(view: View) -> None:
    text = "".join(text for service in CATALOGUE.values() for text in service.files(view).values())
    assert [name for name, value in view.secrets.items() if value not in text] == ["user/admin"]


def test_services_meet_each_other_at_the_front_only(view: View) -> None:
    paths = {service.endpoint.path for service in CATALOGUE.values() if service.endpoint}
    for name, sections in files(view).items():
        for section, options in sections.items():
            for option in ("auth_url", "endpoint_override", "www_authenticate_uri"):
                if url := options.get(option):
                    path = url.removeprefix(f"{view.front}/").split("/")[0]
                    assert path in paths, (name, section, option, url)
                    assert options["cafile"] == view.ca_file, (name, section)


def test_databases_are_those_the_service_declares(view: View) -> None:
    for service in CATALOGUE.values():
        declared = {f"/{database.name}?" for database in service.databases}
        for name, text in service.files(view).items():
            for options in read(text).values() if not name.endswith(".json") else ():
                if connection := options.get("connection"):
                    assert any(name in connection for name in declared), (service.name, connection)
                    assert "%" not in connection


def test_tokens_are_kept_where_the_runner_puts_its_cache(view: View) -> None:
    from onestack_runtime.token_cache import ENVIRON_KEY

    with_tokens = [sections for sections in files(view).values() if "keystone_authtoken" in sections]
    assert len(with_tokens) == len([each for each in CATALOGUE.values() if each.user])
    assert {sections["keystone_authtoken"]["cache"] for sections in with_tokens} == {ENVIRON_KEY}


def test_guests_use_the_hypervisor_that_was_found(view: View, fake_view: View) -> None:
    def nova(each: View) -> Mapping[str, Mapping[str, str]]:
        return files(each)["nova/nova.conf"]

    assert nova(view)["libvirt"]["virt_type"] == "qemu"
    assert nova(view)["libvirt"]["cpu_mode"] == "none"
    assert nova(replace(view, virt_type="kvm"))["libvirt"]["cpu_mode"] == "host-model"
    assert "libvirt" not in nova(fake_view)


def test_fake_hosts_are_bound_by_our_mechanism_driver_before_ovn(view: View, fake_view: View) -> None:
    def drivers(each: View) -> str:
        return files(each)["neutron/ml2_conf.ini"]["ml2"]["mechanism_drivers"]

    assert drivers(view) == "ovn"
    assert drivers(fake_view) == "onestack_fake_hosts,ovn"
    nova = next(process for process in catalogue.processes(fake_view) if process.name == "nova")
    assert nova.environment["ONESTACK_FAKE_HOSTS"] == "7"
    assert "libvirtd" not in nova.needs


def test_tenant_networks_leave_room_for_geneve(view: View) -> None:
    found = files(replace(view, mtu=9000))
    assert found["neutron/neutron.conf"]["DEFAULT"]["global_physnet_mtu"] == "9000"
    assert found["neutron/ml2_conf.ini"]["ml2"]["path_mtu"] == "9000"


@pytest.mark.parametrize(
    ("servers", "handed_out"),
    [
        # An unspecified address: none, in Neutron's words. Without one it would read /etc/resolv.conf itself.
        ((), "0.0.0.0,::"),
        (("192.0.2.53", "192.0.2.54"), "192.0.2.53,192.0.2.54,::"),
        (("192.0.2.53", "2001:db8::53"), "192.0.2.53,2001:db8::53"),
    ],
)
def test_subnets_hand_out_the_dns_servers_that_were_chosen(
    view: View, servers: tuple[str, ...], handed_out: str
) -> None:
    found = files(replace(view, dns_servers=servers))
    assert found["neutron/ml2_conf.ini"]["ovn"]["dns_servers"] == handed_out


def test_metadata_is_vouched_for_by_the_same_secret_on_both_sides(view: View) -> None:
    found = files(view)
    neutron = found["neutron/neutron.conf"]["DEFAULT"]["metadata_proxy_shared_secret"]
    assert neutron == found["nova/nova.conf"]["neutron"]["metadata_proxy_shared_secret"]
    assert neutron == view.secrets["metadata"]


def test_a_dollar_in_a_value_refers_to_nothing() -> None:
    assert _common.ini({"a": {"password": "x$y"}}) == "[a]\npassword = x$$y\n"


def test_values_as_oslo_config_writes_them() -> None:
    text = _common.ini({"a": {"on": True, "list": ("x", "y"), "none": None, "number": 3}})
    assert text == "[a]\non = true\nlist = x,y\nnumber = 3\n"


def test_a_value_of_several_lines_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[a\] b has several lines"):
        _common.ini({"a": {"b": "x\n[database]"}})


def test_each_backend_of_volumes_has_a_folder_and_the_first_is_the_default(view: View) -> None:
    places = (VolumeBackend("fast"), VolumeBackend("archive"))
    cinder = files(replace(view, volume_backends=places))["cinder/cinder.conf"]
    assert cinder["DEFAULT"]["enabled_backends"] == "fast,archive"
    assert cinder["DEFAULT"]["default_volume_type"] == "fast"
    folders = {name: cinder[name]["file_volumes_dir"] for name in ("fast", "archive")}
    assert folders == {name: f"/var/lib/cinder/volumes/{name}" for name in folders}
    assert cinder["archive"]["volume_backend_name"] == "archive"


def test_nova_knows_of_volumes_only_where_there_are_any(view: View) -> None:
    assert files(view)["nova/nova.conf"]["cinder"]["endpoint_template"] == f"{view.front}/volume/v3"
    without = replace(view, services=view.services - {"block-storage"})
    assert "cinder" not in files(without)["nova/nova.conf"]


def test_the_catalogue_has_every_type_by_which_a_service_is_known(view: View) -> None:
    authority = os_service_types.ServiceTypes()
    listed = [each for each in CATALOGUE.values() if each.endpoint and each.endpoint.listed]
    assert {each.type: set(each.aliases) for each in listed} == {
        each.type: set(authority.get_aliases(each.type)) for each in listed
    }
    entries = wanted(view, listed)["services"]
    assert len({entry["type"] for entry in entries}) == len({entry["name"] for entry in entries})
    urls = {entry["type"]: entry["url"] for entry in entries}
    assert {urls[alias] for alias in CATALOGUE["block-storage"].aliases} == {urls["block-storage"]}
    assert [entry["name"] for entry in entries if entry["type"] in CATALOGUE] == [
        each.name for each in listed
    ]


def test_services_make_links_of_what_the_client_asked_for(view: View) -> None:
    """An address of its own would be right for clients that know the gateway by that alone."""
    for name, sections in files(view).items():
        options = {option for section in sections.values() for option in section}
        assert not options & {"public_endpoint", "api_base_uri", "compute_link_prefix"}, name
        if "keystone_authtoken" in sections or name.startswith("keystone"):
            assert sections["oslo_middleware"]["enable_proxy_headers_parsing"] == "true"


def test_the_balancers_provider_is_there_by_upstreams_names_too(view: View) -> None:
    from onestack_runtime.balancer import names

    def providers(*chosen: str) -> tuple[list[str], str]:
        settings = files(replace(view, balancer_providers=chosen))["octavia/octavia.conf"]["api_settings"]
        enabled = [each.partition(":") for each in settings["enabled_provider_drivers"].split(",")]
        assert all(what for _, _, what in enabled)
        return [name for name, _, _ in enabled], settings["default_provider_driver"]

    assert providers("haproxy") == (["haproxy", *names.ALIASES], "haproxy")
    assert providers("ovn", "haproxy") == (["ovn", "haproxy", *names.ALIASES], "ovn")
    assert providers("ovn") == (["ovn"], "ovn")


@pytest.mark.parametrize("tuning", ["full", "none"])
def test_each_projects_process_is_told_which_replacements_to_install(view: View, tuning: str) -> None:
    told = replace(view, tuning=tuning)
    for service in CATALOGUE.values():
        for process in service.processes(told):
            assert process.environment[_common.TUNING] == tuning, process.name
    assert _common.TUNING == registry.TUNING
