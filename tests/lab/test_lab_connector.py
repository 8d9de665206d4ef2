"""The stand-in of the connector does what CONNECTOR.md says of the real one."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from tui.lab.host import LabHost
from tui.lab.lab import Lab
from tui.lab.standin.certificates import decrypt_password, encrypt_password, generate_pair, thumbprint

_SECONDS = 60.0


class Clone:
    """The additional host: its files, its unit, its log since it was last started."""

    def __init__(self, lab: Lab, host: LabHost) -> None:
        self.lab, self.host = lab, host
        self.directory = Path(host.install_dir)

    def place(self, files: Mapping[str, bytes | None]) -> None:
        """Write the lab's own set with changes; None leaves a file out."""
        for relative, data in {**self.lab.set.files, **files}.items():
            path = self.directory / relative
            path.parent.mkdir(exist_ok=True)
            if data is not None:
                path.write_bytes(data)

    def start(self) -> None:
        """Start the unit with a fresh start limit; the log begins here."""
        self.seen = len(self.host.journal.entries(self.host.connector_unit))
        self.host.services.reset_failed(self.host.connector_unit)
        self.host.services.start(self.host.connector_unit)

    def log(self) -> str:
        """What was logged since `start`."""
        entries = self.host.journal.entries(self.host.connector_unit)[self.seen :]
        return "\n".join(entry.message.decode() for entry in entries)

    def says(self, text: str) -> bool:
        """Wait until a text was logged since `start`."""
        before = sum(
            text.encode() in entry.message for entry in self.host.journal.entries(self.host.connector_unit)[: self.seen]
        )
        return self.host.wait_log(text, timeout=_SECONDS, times=before + 1)

    def config(self) -> dict[str, object]:
        """config.json as it is now."""
        loaded: dict[str, object] = json.loads((self.directory / "config.json").read_bytes())
        return loaded

    def accepted(self) -> bool:
        """Wait until the hub has accepted it."""
        return self.lab.tenant.hub.wait_for(lambda accepted: self.host.name in accepted, _SECONDS)


@pytest.fixture
def clone(lab: Lab) -> Iterator[Clone]:
    """The additional host, emptied afterwards, and the first host accepted again."""
    made = Clone(lab, lab.hosts["elm"])
    made.start()
    yield made
    unit = made.host.connector_unit
    made.host.services.stop(unit)
    (made.directory / "config.json").unlink(missing_ok=True)
    shutil.rmtree(made.directory / "certs", ignore_errors=True)
    (made.directory / "certs").mkdir()
    if lab.tenant.published != lab.set.thumbprint or "fir" not in lab.tenant.accepted():
        first = lab.hosts["fir"]
        first.services.stop(first.connector_unit)
        assert lab.tenant.hub.wait_for(lambda accepted: "fir" not in accepted, _SECONDS)
        first.services.reset_failed(first.connector_unit)
        first.services.start(first.connector_unit)
        assert lab.tenant.hub.wait_for(lambda accepted: "fir" in accepted, _SECONDS)


def changed(lab: Lab, **values: object) -> dict[str, bytes | None]:
    """The lab's config.json with other values; None removes a key."""
    config = json.loads(lab.set.files["config.json"])
    config.update(values)
    return {"config.json": json.dumps({k: v for k, v in config.items() if v is not None}).encode()}


def test_a_clone_with_the_same_set_is_accepted_beside_the_first(lab: Lab, clone: Clone) -> None:
    clone.place({})
    clone.start()
    assert clone.says("latency test took avg:")
    assert lab.tenant.accepted() == {"fir": 1, "elm": 1}
    order = [
        "STARTING AD-LDAP CONNECTOR",
        "Loading settings from ticket:",
        "Is Anonymous LDAP search enabled? no",
        "Local settings updated.",
        "Certificates already exist",
        "Posting certificates and signInEndpoint: http://fir:4000/wsfed",
        "Connection lab-directory configured.",
        "Connected to websocket",
        "auth0: Agent accepted.",
        "latency test took avg:",
    ]
    places = [clone.log().index(text) for text in order]
    assert places == sorted(places)
    assert lab.tenant.postings[-1].host == "elm"
    assert lab.tenant.published == lab.set.thumbprint


def test_every_start_rewrites_the_configuration_and_encrypts_a_plaintext_password(lab: Lab, clone: Clone) -> None:
    clone.place(changed(lab, LDAP_BIND_CREDENTIALS=None, LDAP_BIND_PASSWORD=lab.bind_password, SERVER_URL=None))
    clone.start()
    assert clone.accepted()
    config = clone.config()
    assert "LDAP_BIND_PASSWORD" not in config
    credentials = str(config["LDAP_BIND_CREDENTIALS"])
    assert credentials.startswith("$2$.")
    assert decrypt_password(credentials, lab.set.files["certs/cert.key"]) == lab.bind_password
    assert config["SERVER_URL"] == "http://elm:4000"
    assert config["LAST_SENT_THUMBPRINT"] == lab.set.thumbprint
    assert config["TENANT_SIGNING_KEY"]


@pytest.mark.parametrize("missing", [("certs/cert.pem", "certs/cert.key"), ("certs/cert.key",)])
def test_a_clone_without_its_certificates_locks_the_first_host_out(
    lab: Lab, clone: Clone, missing: tuple[str, ...]
) -> None:
    clone.place(changed(lab, LDAP_BIND_CREDENTIALS=None, LDAP_BIND_PASSWORD=lab.bind_password) | dict.fromkeys(missing))
    first = lab.hosts["fir"]
    before = len(lab.tenant.history)
    clone.start()
    assert clone.says("Generating a self-signed certificate")
    assert clone.accepted()
    pem = (clone.directory / "certs/cert.pem").read_bytes()
    assert pem.count(b"\r\n") == pem.count(b"\n")
    assert thumbprint(pem) != lab.set.thumbprint
    assert (clone.directory / "certs/cert.pem").stat().st_mode & 0o777 == 0o644
    assert any(event.host == "fir" and event.kind == "closed" for event in lab.tenant.history[before:])
    assert first.wait_log("auth0: Agent rejected.", timeout=_SECONDS)


def test_a_key_that_does_not_match_is_rejected_with_exit_status_0(lab: Lab, clone: Clone) -> None:
    _, other = generate_pair("other")
    files = changed(lab, LDAP_BIND_CREDENTIALS=encrypt_password(lab.bind_password, other))
    clone.place(files | {"certs/cert.key": other})
    clone.start()
    assert clone.says("auth0: Agent rejected.")
    assert clone.says("Deactivated successfully.")
    assert clone.host.services.unit(clone.host.connector_unit).last_status == 0
    assert lab.tenant.accepted() == {"fir": 1}


def test_a_password_of_another_key_leaves_the_process_alive_and_unconnected(lab: Lab, clone: Clone) -> None:
    _, other = generate_pair("other")
    clone.place(changed(lab, LDAP_BIND_CREDENTIALS=encrypt_password(lab.bind_password, other)))
    clone.start()
    assert clone.says("bad decrypt")
    assert clone.host.services.unit(clone.host.connector_unit).active == "active"
    assert "Connected to websocket" not in clone.log()


def test_a_wrong_directory_password_is_accepted_and_dies_a_moment_later(lab: Lab, clone: Clone) -> None:
    key = lab.set.files["certs/cert.key"]
    clone.place(changed(lab, LDAP_BIND_CREDENTIALS=encrypt_password("wrong", key)))
    clone.start()
    assert clone.says("code: 49")
    log = clone.log()
    assert log.index("auth0: Agent accepted.") < log.index("Error binding to LDAP")
    assert clone.says("status=1/FAILURE")


def test_a_clock_that_is_off_is_accepted_and_dies_again_and_again(
    lab: Lab, clone: Clone, fault: Callable[..., None]
) -> None:
    fault("clock", "elm")
    clone.place({})
    clone.start()
    assert clone.says("Clock skew detected.")
    log = clone.log()
    assert log.index("auth0: Agent accepted.") < log.index("Clock skew detected.")
    assert lab.tenant.accepted().get("fir") == 1


def test_a_ticket_that_nobody_knows_is_named(lab: Lab, clone: Clone) -> None:
    clone.place(changed(lab, PROVISIONING_TICKET=f"https://{lab.tenant.domain}/p/ad/other"))
    clone.start()
    assert clone.says("Wrong ticket. Does this connection still exist?")


def test_an_unreachable_tenant_ends_the_start_with_2(lab: Lab, clone: Clone) -> None:
    clone.place(changed(lab, PROVISIONING_TICKET=f"https://{lab.tenant.address}:9/p/ad/other"))
    clone.start()
    assert clone.says("Unable to reach Auth0")
    assert clone.says("status=2/FAILURE")


def test_agents_come_back_after_the_hub_was_down(lab: Lab) -> None:
    first = lab.hosts["fir"]
    lab.fault("hub_down")
    try:
        assert first.wait_log("websocket deconnected. reconnecting", timeout=_SECONDS)
        assert lab.tenant.accepted() == {}
    finally:
        lab.fault("hub_down", on=False)
    assert lab.tenant.hub.wait_for(lambda accepted: accepted == {"fir": 1}, _SECONDS)
    assert lab.tenant.least_connected() == 0


def test_a_foreign_certificate_at_the_tenant_locks_everybody_out(lab: Lab, clone: Clone) -> None:
    first = lab.hosts["fir"]
    lab.fault("other_certificate")
    try:
        assert first.wait_log("auth0: Agent rejected.", timeout=_SECONDS)
        assert lab.tenant.ticket_info()["thumbprints"] != [lab.set.thumbprint]
    finally:
        lab.fault("other_certificate", on=False)
    assert lab.tenant.published == lab.set.thumbprint


def test_a_directory_that_goes_takes_the_connector_with_it(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab(names=("fir",))
    first = lab.hosts["fir"]
    assert _bound(lab)
    lab.fault("ldap_down")
    assert first.wait_log("Connection to ldap was closed", timeout=_SECONDS)
    assert first.wait_log("status=1/FAILURE", timeout=_SECONDS)


def test_everything_ends_with_the_lab(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab(names=("fir",))
    pids = [lab.hosts["fir"].services.unit(name).process for name in ("auth0-adldap", "auth0-adldap-admin")]
    lab.close()
    assert all(process is not None and process.poll() is not None for process in pids)


def _bound(lab: Lab) -> bool:
    deadline = time.monotonic() + _SECONDS
    while time.monotonic() < deadline:
        if any(code == 0 for _, code in lab.directory.binds):
            return True
        time.sleep(0.02)
    return False
