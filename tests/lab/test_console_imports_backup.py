"""What is inside a backup is what the connector's own console imports, so a backup is of use without this program."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tui.connector.model import ConfigurationSet, Layout, SetFile
from tui.lab.host import LabHost
from tui.lab.lab import Lab
from tui.remote.session import FileAttributes
from tui.vault.identity import Identity
from tui.vault.vault import Vault

CONSOLE_PORT = 8357


@pytest.fixture
def unconfigured(tmp_path: Path) -> Iterator[tuple[Lab, LabHost]]:
    """A lab, and its host that waits for an import, with the empty certs folder without which the console would crash."""
    with Lab(tmp_path / "lab", names=("fir", "oak"), speed=20) as lab:
        host = lab.hosts["oak"]
        (Path(host.install_dir) / "certs").mkdir(exist_ok=True)
        yield lab, host


def test_the_console_imports_a_decrypted_backup(unconfigured: tuple[Lab, LabHost], tmp_path: Path) -> None:
    lab, host = unconfigured
    attributes = FileAttributes("connector", "connector", 0o640)
    files = {path: SetFile(path, data, attributes) for path, data in lab.set.files.items()}
    configuration = ConfigurationSet(Layout.V6, "6.4.1", files, {"certs": attributes, "lib": attributes})
    identity = Identity.generate()
    backup = Vault(tmp_path / "vault", "lab").create(
        configuration, host="fir", kind="set", operator="alice", run=None, recipients=[identity.recipient]
    )
    archive = identity.decrypt(backup.path.read_bytes())
    patient = httpx.HTTPTransport(retries=6)
    with httpx.Client(base_url=f"http://{host.address}:{CONSOLE_PORT}", transport=patient, timeout=10) as console:
        token = re.search(r'name="_csrf" value="([^"]+)"', console.get("/").text)
        assert token
        answer = console.post("/import", params={"_csrf": token.group(1)}, files={"IMPORT_FILE": archive})
    assert answer.status_code == 302
    for path in ("config.json", "lib/profileMapper.js", "certs/cert.key", "certs/cert.pem"):
        assert (Path(host.install_dir) / path).read_bytes() == lab.set.files[path]
