from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import yaml

from pytest_joblet.environment import client_environment, strays

if TYPE_CHECKING:
    from pathlib import Path

    from joblet_fake import FakeJoblet

PROXIES = ("no_proxy", "NO_PROXY", "no_grpc_proxy")


@pytest.fixture
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("_no_proxies")
def test_every_way_of_the_clients_leads_to_the_fake(joblet: FakeJoblet, tmp_path: Path) -> None:
    """RNX-01, SDK-03, SDK-06, FAKE-02: by file, by its variables, by address and certificates."""
    home = tmp_path / "deep" / "home"
    variables = client_environment(joblet, home)
    config = home / ".rnx" / "rnx-config.yml"
    assert config.read_text() == joblet.rnx_config()
    assert {name for name, value in variables.items() if value == str(config)} == {
        "RNX_CONFIG",
        "RNX_CONFIG_PATH",
        "JOBLET_CONFIG",
        "JOBLET_CONFIG_PATH",
    }
    assert variables["HOME"] == variables["USERPROFILE"] == str(home)
    assert variables["JOBLET_ADDR"] == joblet.address
    assert f"{variables['JOBLET_HOST']}:{variables['JOBLET_PORT']}" == joblet.address
    assert variables["JOBLET_CA_CERT"] == joblet.tls.ca_pem.decode()
    assert variables["JOBLET_CLIENT_CERT"] == joblet.tls.cert_pem().decode()
    assert variables["JOBLET_CLIENT_KEY"] == joblet.tls.key_pem().decode()
    assert "JOBLET_INSECURE" not in variables


@pytest.mark.joblet(tls=False)
def test_clients_without_tls_are_led_to_a_plaintext_fake(
    joblet: FakeJoblet,
    tmp_path: Path,
) -> None:
    """FAKE-01: flow by a variable, admin by a node without certificates."""
    variables = client_environment(joblet, tmp_path / "home")
    assert variables["JOBLET_INSECURE"] == "1"
    assert not any("CERT" in name for name in variables)
    config = yaml.safe_load((tmp_path / "home" / ".rnx" / "rnx-config.yml").read_text())
    assert config["nodes"]["default"]["address"] == joblet.address
    assert not {"cert", "key", "ca"} & set(config["nodes"]["default"])


@pytest.mark.usefixtures("_no_proxies")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, "127.0.0.1,localhost"),
        ({"no_proxy": "a.example"}, "127.0.0.1,localhost,a.example"),
        ({"NO_PROXY": "b.example"}, "127.0.0.1,localhost,b.example"),
        ({"no_grpc_proxy": "c.example"}, "127.0.0.1,localhost"),
    ],
)
def test_loopback_needs_no_proxy_whatever_was_set_before(
    joblet: FakeJoblet,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    before: dict[str, str],
    after: str,
) -> None:
    for name, value in before.items():
        monkeypatch.setenv(name, value)
    variables = client_environment(joblet, tmp_path)
    assert [variables[name] for name in PROXIES] == [after] * 3


def test_variables_that_lead_elsewhere_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("JOBLET_", "RNX_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("JOBLET_NODE", "production")
    monkeypatch.setenv("RNX_CONFIG", "/etc/rnx.yml")
    assert strays({"RNX_CONFIG": "replaced"}) == ["JOBLET_NODE"]
