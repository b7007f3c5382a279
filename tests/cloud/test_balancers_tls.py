"""Balancers that end TLS without Barbican: names, clients, TLS to members, and whose certificate it is."""

from __future__ import annotations

import datetime
import http.client
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from openstack import exceptions

from cloud import members
from cloud.members import Field
from cloud.web import Web
from onestack import Cloud
from onestack.core.errors import BadInput

pytestmark = pytest.mark.cloud


class Authority:
    """A CA that signs for servers and clients, in a folder."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder = folder
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name}-ca.pem"
        self.file.write_bytes(self._sign(self.name, self.key, [], ca=True))

    def issue(self, name: str) -> tuple[Path, Path]:
        """Files of a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        cert, secret = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        cert.write_bytes(self._sign(subject, key, [x509.DNSName(name)], ca=False))
        encoding, format = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
        secret.write_bytes(key.private_bytes(encoding, format, serialization.NoEncryption()))
        return cert, secret

    def _sign(
        self, subject: x509.Name, key: ec.EllipticCurvePrivateKey, names: list[x509.GeneralName], *, ca: bool
    ) -> bytes:
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(hours=1))
            .not_valid_after(now + datetime.timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def field(cloud: Cloud) -> Iterator[Field]:
    with members.in_network(cloud), members.field_of(cloud, "tls", "10.67.0.0/24") as made:
        yield made


def ask(
    ip: str, name: str, ca: Path, path: str = "/", client: tuple[Path, Path] | None = None
) -> tuple[str, str]:
    """What is answered over TLS to who wants `name`, and the name in the certificate."""
    context = ssl.create_default_context(cafile=str(ca))
    if client:
        context.load_cert_chain(*client)
    connection = http.client.HTTPSConnection(name, 443, timeout=10, context=context)
    plain = members.socket.create_connection((ip, 443), 10)
    connection.sock = context.wrap_socket(plain, server_hostname=name)
    try:
        subject = dict(part[0] for part in connection.sock.getpeercert()["subject"])["commonName"]
        connection.request("GET", path)
        return connection.getresponse().read().decode(), subject
    finally:
        connection.close()


def test_tls_with_names_clients_and_members(cloud: Cloud, field: Field, tmp_path: Path) -> None:
    authority = Authority(tmp_path, "servers")
    clients = Authority(tmp_path, "clients")
    balancing, project = cloud.balancing, field.admin.current_project_id
    refs = {}
    for name in ("a.example", "b.example"):
        cert, key = authority.issue(name)
        about, refs[name] = balancing.add_certificate(name, project, cert=cert, key=key, chain=authority.file)
        assert about.until
    _, refs["ca"] = balancing.add_certificate("clients", project, secret=clients.file)
    _, refs["members"] = balancing.add_certificate("servers", project, secret=authority.file)
    one, two = field.machine("tls-one"), field.machine("tls-two")
    one.serve()
    cert, key = authority.issue("member.example")
    both = tmp_path / "both.pem"
    both.write_bytes(cert.read_bytes() + key.read_bytes())
    inside = field.cloud.site.leader.outside("/var/lib/tmp") / "member.pem"
    inside.write_bytes(both.read_bytes())
    two.serve(443, "/tmp/member.pem")
    web = Web(field, (one,))
    listener = web.made(
        web.api.create_listener,
        load_balancer_id=web.lb.id,
        protocol="TERMINATED_HTTPS",
        protocol_port=443,
        default_pool_id=web.pool.id,
        default_tls_container_ref=refs["a.example"],
        sni_container_refs=[refs["b.example"]],
        insert_headers={
            "X-Forwarded-Proto": "true",
            "X-SSL-Client-CN": "true",
            "X-SSL-Client-Verify": "true",
        },
    )
    assert ask(web.ip, "a.example", authority.file) == ("tls-one", "a.example")
    assert ask(web.ip, "b.example", authority.file) == ("tls-one", "b.example")
    web.raw(
        "put",
        f"/lbaas/listeners/{listener.id}",
        {"listener": {"client_authentication": "MANDATORY", "client_ca_tls_container_ref": refs["ca"]}},
    )
    with pytest.raises((ssl.SSLError, OSError, http.client.HTTPException)):
        ask(web.ip, "a.example", authority.file)
    known = clients.issue("somebody")
    said, _ = ask(web.ip, "a.example", authority.file, "/headers", known)
    assert '"x-ssl-client-cn": "somebody"' in said
    assert '"x-forwarded-proto": "https"' in said
    policy = web.made(web.api.create_l7_policy, listener_id=listener.id, action="REJECT")
    web.made(web.api.create_l7_rule, policy.id, type="SSL_DN_FIELD", key="CN", compare_type="EQUAL_TO",
             rule_value="somebody")  # fmt: skip
    assert "tls-one" not in ask(web.ip, "a.example", authority.file, "/", known)[0]
    assert ask(web.ip, "a.example", authority.file, "/", clients.issue("another"))[0] == "tls-one"
    wanted = {"loadbalancer_id": web.lb.id, "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN", "tls_enabled": True,
              "ca_tls_container_ref": refs["members"]}  # fmt: skip
    inner = web.raw("post", "/lbaas/pools", {"pool": wanted})["pool"]["id"]
    web.add_member(web.api.get_pool(inner), two, protocol_port=443)
    web.made(web.api.create_health_monitor, pool_id=inner, type="TLS-HELLO", delay=1, timeout=1, max_retries=1,
             max_retries_down=1)  # fmt: skip
    web.made(web.api.update_listener, web.listener.id, default_pool_id=inner)
    web.answers({"tls-two"})
    with pytest.raises(BadInput, match="in use by listener"):
        balancing.delete_certificate(refs["a.example"])
    web.remove()
    field.gone(web.lb.id)
    for reference in refs.values():
        balancing.delete_certificate(reference)
    assert not [each for each, _ in balancing.certificates() if each.id in str(refs)]


def test_a_certificate_is_its_projects_alone(cloud: Cloud, field: Field, tmp_path: Path) -> None:
    cert, key = Authority(tmp_path, "other").issue("c.example")
    _, reference = cloud.balancing.add_certificate("c.example", "service", cert=cert, key=key)
    admin, name = field.admin, "tls-tenant"
    project = admin.identity.create_project(name=name, domain_id="default")
    user = admin.identity.create_user(
        name=name, domain_id="default", password=name, default_project_id=project.id
    )
    try:
        role = admin.identity.find_role("member")
        admin.identity.assign_project_role_to_user(project, user, role)
        tenant = cloud.connect(user=name, password=name, project=name)
        network = tenant.network.create_network(name=name)
        subnet = tenant.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.68.0.0/24")
        lb = tenant.load_balancer.create_load_balancer(name=name, vip_subnet_id=subnet.id)
        field.active(lb.id)
        with pytest.raises(exceptions.HttpException) as raised:
            tenant.load_balancer.create_listener(
                load_balancer_id=lb.id, protocol="TERMINATED_HTTPS", protocol_port=443,
                default_tls_container_ref=reference)  # fmt: skip
        assert raised.value.status_code == 400
        assert field.active(lb.id).provisioning_status == "ACTIVE"
        tenant.load_balancer.delete_load_balancer(lb.id, cascade=True)
        field.gone(lb.id)
        tenant.network.delete_network(network)
    finally:
        admin.identity.delete_user(user)
        admin.identity.delete_project(project)
        cloud.balancing.delete_certificate(reference)
