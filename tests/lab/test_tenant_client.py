"""The Management API client against the lab's tenant, whose word follows the instances that its hub has accepted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tui.cluster import Tenant
from tui.cluster_file import load_cluster
from tui.lab.lab import Lab
from tui.lab.tenant import CONNECTION
from tui.tenant import ConnectionStatus, Doubt, TenantClient

_SECONDS = 60.0


@pytest.fixture(scope="module")
def small_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("lab"), names=("fir",), speed=20) as made:
        yield made


@pytest.fixture
def tenant(small_lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tenant:
    """What the lab's own cluster file says of its tenant."""
    for variable in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(variable, raising=False)
    path = tmp_path / "lab.toml"
    path.write_text(small_lab.cluster_document())
    section = load_cluster(path).tenant
    assert section is not None
    return section


@pytest.fixture
def client(small_lab: Lab, tenant: Tenant) -> Iterator[TenantClient]:
    secret = small_lab.tenant.settings.client_secret
    made = TenantClient(tenant.domain, tenant.client_id, secret, tenant.ca_file)
    yield made
    made.close()


def asked(small_lab: Lab, client: TenantClient, name: str = CONNECTION) -> ConnectionStatus:
    """The answer, in which no secret of the lab may stand."""
    status = client.connection_status(name)
    shown = status.model_dump_json() + repr(client)
    assert not [secret for secret in small_lab.canaries() if secret in shown]
    return status


def test_the_answer_follows_the_instances(small_lab: Lab, client: TenantClient) -> None:
    assert small_lab.tenant.hub.wait_for(lambda accepted: "fir" in accepted, _SECONDS)
    assert asked(small_lab, client).online is True
    small_lab.fault("hub_down")
    try:
        assert asked(small_lab, client).online is False
    finally:
        small_lab.fault("hub_down", on=False)
    assert small_lab.tenant.hub.wait_for(lambda accepted: "fir" in accepted, _SECONDS)
    assert asked(small_lab, client).online is True


def test_a_connection_of_another_name_is_not_there(small_lab: Lab, client: TenantClient) -> None:
    assert asked(small_lab, client, "other-directory").doubt is Doubt.NO_CONNECTION


def test_a_tenant_that_cannot_be_reached_could_not_tell(small_lab: Lab, client: TenantClient) -> None:
    small_lab.fault("auth0_down")
    try:
        assert asked(small_lab, client).doubt is Doubt.UNREACHABLE
    finally:
        small_lab.fault("auth0_down", on=False)


def test_a_rate_limit_could_not_tell(small_lab: Lab, client: TenantClient) -> None:
    small_lab.tenant.limited = True
    try:
        assert asked(small_lab, client).doubt is Doubt.RATE_LIMITED
    finally:
        small_lab.tenant.limited = False


def test_a_wrong_client_secret_is_told(small_lab: Lab, tenant: Tenant) -> None:
    wrong = TenantClient(tenant.domain, tenant.client_id, "wrong", tenant.ca_file)
    assert asked(small_lab, wrong).doubt is Doubt.CREDENTIALS


def test_without_the_ca_file_the_tenant_is_not_trusted(small_lab: Lab, tenant: Tenant) -> None:
    secret = small_lab.tenant.settings.client_secret
    assert asked(small_lab, TenantClient(tenant.domain, tenant.client_id, secret)).doubt is Doubt.TLS
