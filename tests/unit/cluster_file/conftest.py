"""A good cluster file, and what its tests share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tui.cluster import Cluster
from tui.cluster_file import ClusterFileError, load_cluster

RECIPIENT = "age1z8l823apq6cnk3tcygycfe2aanvy70gf80te5798rcwfra8ca4dqyk7qw2"
SECRET_KEY = "AGE-SECRET-KEY-1CANARYCANARYCANARYCANARYCANARYCANARYCANARYCANARYCANARY"

GOOD = f"""\
# Our cluster
[cluster]   # its head
name = 'prod'
first = "fir" # configured in 2024

[vault]
recipients = [
    "{RECIPIENT}",  # alice
]

# the hosts
[[hosts]]
name = "fir"  # rack 1
address = "fir.example.com"
port = 22

[[hosts]]
name = "oak"  # rack 2
address = "10.0.0.2"
jump = "ops@bastion:2222"
# end
"""

Written = Callable[[str | bytes], Path]


@pytest.fixture
def written(tmp_path: Path) -> Callable[[str | bytes], Path]:
    def write(text: str | bytes) -> Path:
        path = tmp_path / "prod.toml"
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    return write


@pytest.fixture
def cluster() -> Cluster:
    return Cluster.model_validate(
        {
            "cluster": {"name": "prod", "first": "fir"},
            "hosts": [
                {"name": "fir", "address": "fir.example.com"},
                {"name": "oak", "address": "10.0.0.2", "port": 2222},
            ],
        }
    )


def error_of(path: Path) -> ClusterFileError:
    with pytest.raises(ClusterFileError) as caught:
        load_cluster(path)
    assert str(path) in caught.value.summary
    assert "CANARY" not in "\n".join(caught.value.lines())
    return caught.value
