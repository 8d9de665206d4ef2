"""Where this program keeps its files on the jump box (XDG base directories)."""

from __future__ import annotations

from pathlib import Path

from platformdirs import PlatformDirs

_DIRS = PlatformDirs("adldap-ha", appauthor=False)


def _private(directory: Path) -> Path:
    for missing in reversed([each for each in (directory, *directory.parents) if not each.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
    return directory


def config_dir() -> Path:
    """`$XDG_CONFIG_HOME/adldap-ha`: one NAME.toml per cluster, no secrets. Created 0700 when absent."""
    return _private(Path(_DIRS.user_config_dir))


def cluster_file(name: str) -> Path:
    """The path of the cluster file called `name`; the file need not exist."""
    return config_dir() / f"{name}.toml"


def state_home() -> Path:
    """`$XDG_STATE_HOME/adldap-ha`: the front's own log, and one directory per cluster. Created 0700 when absent."""
    return _private(Path(_DIRS.user_state_dir))


def state_dir(cluster: str) -> Path:
    """`$XDG_STATE_HOME/adldap-ha/CLUSTER`: journal, logs, reports. Created 0700 when absent."""
    return _private(Path(_DIRS.user_state_dir) / cluster)


def vault_dir(cluster: str) -> Path:
    """`$XDG_DATA_HOME/adldap-ha/vault/CLUSTER`: encrypted backups. Created 0700 when absent."""
    return _private(Path(_DIRS.user_data_dir) / "vault" / cluster)


def known_certificates_file() -> Path:
    """The TLS certificates of hosts that an operator has confirmed; the file need not exist."""
    return state_home() / "known_certificates"


def identity_file() -> Path:
    """The operator's age identity, itself encrypted with a passphrase; the file need not exist."""
    return _private(Path(_DIRS.user_data_dir) / "vault") / "identity.age"
