"""Made-up installs: recognised by the project as what they are, and their programs run under a real Node."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.lab.conftest import connect
from tui.connector.certificates import certificate_facts
from tui.connector.layouts import recognise
from tui.connector.model import Layout
from tui.lab.host import Furnishing
from tui.lab.install_tree import STANDIN, Connection, LayoutName, build_install, configured_set
from tui.lab.lab import Lab

CONNECTION = Connection(
    ticket="https://127.0.0.1:1/p/ad/none",
    hub="wss://127.0.0.1:1/lo/hub",
    name="made-up",
    domain="tenant.example",
    realm="urn:auth0:made-up",
    ldap_url="ldap://127.0.0.1:1",
    ldap_base="dc=lab,dc=example",
    bind_user="cn=connector,dc=lab,dc=example",
    bind_password="only for this test",
)


def paths(directory: Path) -> list[str]:
    """Everything in a directory, relative to it."""
    return [str(path.relative_to(directory)) for path in directory.rglob("*")]


@pytest.mark.parametrize(
    ("layout", "expected"),
    [("v6", Layout.V6), ("v7", Layout.V7), ("half_migrated", Layout.HALF_MIGRATED)],
)
def test_layouts_are_recognised(tmp_path: Path, layout: LayoutName, expected: Layout) -> None:
    made = build_install(tmp_path / "install", layout=layout, configured=configured_set(CONNECTION))
    assert recognise(paths(made)) is expected


def test_an_install_that_waits_for_import_has_no_configuration(tmp_path: Path) -> None:
    made = build_install(tmp_path / "install", certs_folder=False)
    assert not {"config.json", "certs"} & set(paths(made))
    assert (made / "lib/profileMapper.js").exists()


def test_a_made_set_belongs_together(tmp_path: Path) -> None:
    made = configured_set(CONNECTION, days=10)
    facts = certificate_facts(made.files["certs/cert.pem"], made.files["certs/cert.key"])
    assert facts.key_matches
    assert facts.thumbprint == made.thumbprint
    assert CONNECTION.bind_password.encode() not in made.files["config.json"]


@pytest.fixture
def node() -> str:
    """A real Node."""
    found = shutil.which("node")
    if found is None:
        pytest.skip("there is no node on this machine")
    return found


def environment() -> dict[str, str]:
    """What the placeholders need to find the stand-in."""
    return {"PATH": "/usr/bin:/bin", "LAB_PYTHON": sys.executable, "LAB_STANDIN": str(STANDIN)}


def test_the_placeholders_run_under_a_real_node(tmp_path: Path, node: str) -> None:
    made = build_install(tmp_path / "install with spaces")
    done = subprocess.run([node, "server.js"], cwd=made, env=environment(), capture_output=True, timeout=60, check=True)
    assert b"STARTING AD-LDAP CONNECTOR" in done.stdout
    tested = subprocess.run(
        [node, made / "troubleshoot.js"], env=environment(), capture_output=True, timeout=60, check=True
    )
    assert "✭ Testing connectivity to Auth0...".encode() in tested.stdout


def test_a_placeholder_hands_status_and_signals_through(tmp_path: Path, node: str) -> None:
    made = build_install(tmp_path / "install", configured=configured_set(CONNECTION))
    done = subprocess.run(
        [node, "server.js"], cwd=made, env=environment(), capture_output=True, timeout=60, check=False
    )
    assert done.returncode == 2
    console = subprocess.Popen(
        [node, "admin/server.js"],
        cwd=made,
        env=environment() | {"LAB_ADDRESS": "127.77.77.77"},
        stdout=subprocess.PIPE,
    )
    assert console.stdout is not None
    assert b"listening" in console.stdout.readline()
    console.send_signal(signal.SIGTERM)
    assert console.stdout.read() == b""
    console.wait(20)
    console.stdout.close()


def test_a_lab_host_may_have_any_layout(make_lab: Callable[..., Lab]) -> None:
    modern = Furnishing("connector.service", None, "opt/connector", layout="v7", version="7.0.0")
    lab = make_lab(names=("fir", "oak"), furnishings={"oak": modern})
    assert recognise(paths(Path(lab.hosts["oak"].install_dir))) is Layout.V7


def test_a_key_with_a_passphrase_lets_in(make_lab: Callable[..., Lab]) -> None:
    lab = make_lab(names=("fir",))
    path, passphrase = lab.protected_key()
    assert passphrase in lab.canaries()
    assert b"ENCRYPTED" not in path.read_bytes()
    with connect(lab.hosts["fir"], password=None, key_filename=str(path), passphrase=passphrase) as client:
        _, output, _ = client.exec_command("id -un")
        assert output.read() == b"ops\n"
