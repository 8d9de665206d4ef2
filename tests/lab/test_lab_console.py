"""The stand-in's admin console and troubleshooter, in the grammar and with the flaws of v6."""

from __future__ import annotations

import io
import json
import re
import shutil
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.lab.conftest import OpenSsh
from tui.lab.directory import people
from tui.lab.host import LabHost
from tui.lab.lab import Lab

_LINE = re.compile(r"\d\d:\d\d:\d\d - (info|error): (.*)")
_SECONDS = 60.0


def url(host: LabHost, path: str) -> str:
    """A page of the console, by the host's own address."""
    return f"http://{host.address}:8357{path}"


def get(host: LabHost, path: str) -> bytes:
    """The body of a page."""
    with urllib.request.urlopen(url(host, path), timeout=30) as answer:
        body: bytes = answer.read()
    return body


@pytest.fixture
def oak(lab: Lab) -> Iterator[LabHost]:
    """The host with spaces in its install path and no certs/ folder."""
    host = lab.hosts["oak"]
    yield host
    (Path(host.install_dir) / "config.json").unlink(missing_ok=True)
    shutil.rmtree(Path(host.install_dir) / "certs", ignore_errors=True)


def upload(host: LabHost, data: bytes, token: str | None = None) -> int:
    """Import a zip as a browser would; the status of the answer."""
    with urllib.request.urlopen(url(host, "/"), timeout=30) as page:
        cookie = page.headers["Set-Cookie"].split(";")[0]
        found = re.search(r'name="_csrf" value="([^"]+)"', page.read().decode())
    assert found
    head = b'--line\r\nContent-Disposition: form-data; name="IMPORT_FILE"; filename="set.zip"\r\n'
    body = head + b"Content-Type: application/zip\r\n\r\n" + data + b"\r\n--line--\r\n"
    request = urllib.request.Request(
        url(host, f"/import?_csrf={token or found[1]}"),
        data=body,
        headers={"Content-Type": "multipart/form-data; boundary=line", "Cookie": cookie},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        status: int = answer.status
    return status


def test_the_export_holds_the_set_to_the_byte(lab: Lab) -> None:
    host = lab.hosts["fir"]
    with zipfile.ZipFile(io.BytesIO(get(host, "/export"))) as archive:
        assert archive.namelist() == ["config.json", "lib/profileMapper.js", "certs/cert.key", "certs/cert.pem"]
        for name in archive.namelist():
            assert archive.read(name) == (Path(host.install_dir) / name).read_bytes()


def test_an_export_can_be_imported(lab: Lab, oak: LabHost) -> None:
    (Path(oak.install_dir) / "certs").mkdir()
    assert upload(oak, get(lab.hosts["fir"], "/export")) == 200
    assert (Path(oak.install_dir) / "certs/cert.key").read_bytes() == lab.set.files["certs/cert.key"]


def test_an_import_without_certs_folder_crashes_the_console_after_the_configuration(lab: Lab, oak: LabHost) -> None:
    unit = oak.admin_unit or ""
    before = sum(b"listening" in entry.message for entry in oak.journal.entries(unit))
    with pytest.raises(OSError):  # noqa: PT011 - the connection ends in one of several ways
        upload(oak, get(lab.hosts["fir"], "/export"))
    assert (Path(oak.install_dir) / "config.json").exists()
    assert oak.journal.wait_for(unit, "listening", timeout=_SECONDS, times=before + 1)


def test_an_import_needs_the_token(lab: Lab, oak: LabHost) -> None:
    with pytest.raises(urllib.error.HTTPError, match="403"):
        upload(oak, get(lab.hosts["fir"], "/export"), token="guessed")


def test_the_other_pages_answer(lab: Lab) -> None:
    host = lab.hosts["fir"]
    assert get(host, "/version") == b"6.4.1"
    assert get(host, "/logs") == b"Log file is empty."
    assert get(host, "/profile-mapper") == lab.set.files["lib/profileMapper.js"]
    users = json.loads(get(host, "/users/search?query=hopper"))
    assert [user["displayName"] for user in users] == ["Grace Hopper"]


def run_through_console(host: LabHost) -> list[tuple[str, str]]:
    """Level and text of every line of a run."""
    text = get(host, "/troubleshooter/run").decode()
    assert "\x1b" not in text
    return [(found[1], found[2]) for line in text.splitlines() if (found := _LINE.match(line))]


def test_a_healthy_instance_reports_every_test(lab: Lab) -> None:
    lines = run_through_console(lab.hosts["fir"])
    assert [text for _, text in lines if text.startswith("✭")] == [
        "✭ Testing connectivity to Auth0...",
        "✭ Testing hub connectivity (WS)...",
        "✭ Testing clock skew...",
        "✭ Testing certificates...",
        "✭ Running NLTEST...",
        "✭ Testing SSL connectivity to LDAP...",
        "✭ Testing LDAP connectivity...",
    ]
    assert [text for _, text in lines if text.startswith("✔")] == [
        "✔ Connection to test endpoint succeeded.",
        "✔ Connection to hub succeeded.",
        "✔ Everything OK. No clock skew detected.",
        "✔ Local and server certificates match.",
        "✔ Connection to LDAP succeeded.",
    ]
    assert lines[-1] == ("info", "Done!")


def test_five_users_earn_no_mark(lab: Lab) -> None:
    lab.directory.entries = people(5)
    try:
        lines = run_through_console(lab.hosts["fir"])
    finally:
        lab.directory.entries = people(8)
    assert ("info", "✔ Connection to LDAP succeeded.") not in lines
    assert lines[-3:] == [("info", "  > Found user: Grace Hopper"), ("info", "end"), ("info", "Done!")]


def test_a_path_with_spaces_defeats_the_console(oak: LabHost) -> None:
    text = get(oak, "/troubleshooter/run").decode()
    assert "Error: Cannot find module" in text
    assert "Done!" not in text


def direct(ssh: OpenSsh, host: LabHost) -> tuple[int, str, str]:
    """Run troubleshoot.js on a host as the unit would."""
    command = (
        f"cd '{host.install_dir}' && NODE_EXTRA_CA_CERTS={ssh.lab.authority.certificate_file} node troubleshoot.js"
    )
    done = ssh.run(host.name, command)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def test_a_direct_run_is_coloured_and_succeeds_whatever_it_finds(ssh: OpenSsh, fault: Callable[..., None]) -> None:
    fir = ssh.lab.hosts["fir"]
    # Otherwise it dies of its clock again and again, and rewrites config.json at each start while the troubleshooter reads it.
    fir.services.stop(fir.connector_unit)
    fault("clock", "fir")
    fault("other_certificate")
    status, out, _ = direct(ssh, fir)
    fir.services.start(fir.connector_unit)
    assert status == 0
    assert "\x1b[31m✖ Clock skew detected:" in out
    assert "✖ Local and server certificates don't match." in out
    assert out.rstrip().endswith("Done!")


def test_a_directory_that_is_down_ends_the_run_with_a_stack_trace(ssh: OpenSsh, fault: Callable[..., None]) -> None:
    fault("ldap_down")
    status, out, err = direct(ssh, ssh.lab.hosts["fir"])
    assert status == 1
    assert "Done!" not in out
    assert "ECONNREFUSED" in err
    assert "    at " in err


def test_an_unreachable_tenant_ends_the_run_in_silence(ssh: OpenSsh, fault: Callable[..., None]) -> None:
    fault("auth0_down")
    status, out, err = direct(ssh, ssh.lab.hosts["fir"])
    assert (status, err) == (0, "")
    assert '  > Error: {"code": "ECONNREFUSED"' in out
    assert "✖" not in out
    assert "Done!" not in out


def test_an_anonymous_search_hides_a_wrong_password(ssh: OpenSsh, fault: Callable[..., None]) -> None:
    fault("wrong_bind_password")
    ssh.lab.directory.anonymous = True
    try:
        _, out, err = direct(ssh, ssh.lab.hosts["fir"])
    finally:
        ssh.lab.directory.anonymous = False
    assert "Error binding to LDAP" in err
    assert "code: 49" in err
    assert "✔ Connection to LDAP succeeded." in out
