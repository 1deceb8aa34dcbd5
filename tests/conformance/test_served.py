"""A served fake is made like a host, and known by its certificates alone."""

from __future__ import annotations

from typing import Any

import trustme
import yaml

from joblet_conformance.own_runtimes import BOTH
from joblet_conformance.served import like_a_host, of_a_fake, whole_config
from joblet_conformance.target import ODD, Pem
from joblet_fake import FakeJoblet


def test_it_misses_commands_and_has_the_suite_s_runtimes() -> None:
    with FakeJoblet() as fake:
        like_a_host(fake)
        job = fake.rpc("RunJob", command="no-such-command").job_uuid
        runtimes = {each.name for each in fake.rpc("ListRuntimes").runtimes}

        assert fake.jobs[job].status == "FAILED"
        assert BOTH in runtimes


def test_its_configuration_has_a_node_for_each_odd_certificate() -> None:
    with FakeJoblet() as fake:
        told: dict[str, Any] = yaml.safe_load(whole_config(fake))["nodes"]
        usual: dict[str, Any] = yaml.safe_load(fake.rnx_config())["nodes"]

    assert set(told) == {*usual, *ODD}
    assert [name for name, node in told.items() if node.get("isDefault")] == ["default"]
    assert len({node["cert"] for node in told.values()}) == len(told)
    assert {name: told[name] for name in usual} == usual


def test_a_plaintext_fake_s_has_none() -> None:
    with FakeJoblet(tls=False) as fake:
        assert whole_config(fake) == fake.rnx_config()


def test_a_fake_is_known_by_its_admin_s_certificate_and_nobody_else_is() -> None:
    with FakeJoblet() as fake:
        ca = fake.tls.ca_pem
        assert of_a_fake(Pem(ca, fake.tls.cert_pem(), fake.tls.key_pem()))
        issued = fake.tls.issue("admin")
        assert not of_a_fake(Pem(ca, issued.cert_pem, issued.key_pem))
    real = trustme.CA().issue_cert("admin-client", organization_unit_name="admin")
    pem = Pem(b"", real.cert_chain_pems[0].bytes(), real.private_key_pem.bytes())
    assert not of_a_fake(pem)
    assert not of_a_fake(Pem(b"", b"nothing", b""))
