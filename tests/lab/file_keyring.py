"""A keyring whose secrets lie in a JSON file, for tests: `{"SERVICE USER": "secret"}`."""

from __future__ import annotations

import json
import os
from pathlib import Path

from keyring.backend import KeyringBackend


class FileKeyring(KeyringBackend):
    """Reads the file that KEYRING_FILE names, as a desktop's keyring answers a look-up; broken where there is no such file."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        """The secret of this service and user, if any."""
        found = json.loads(Path(os.environ["KEYRING_FILE"]).read_text()).get(f"{service} {username}")
        return None if found is None else str(found)

    def set_password(self, service: str, username: str, password: str) -> None:
        """Nothing here writes to the keyring."""
        raise NotImplementedError

    def delete_password(self, service: str, username: str) -> None:
        """Nothing here writes to the keyring."""
        raise NotImplementedError
