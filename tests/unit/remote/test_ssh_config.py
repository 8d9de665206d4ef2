"""OpenSSH's configuration is asked of OpenSSH itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.cluster import Host
from tui.remote.access import Access
from tui.remote.errors import RemoteError
from tui.remote.ssh_config import Hop, ask_config, configured_hosts, parse_config, parse_jump
from tui.remote.ssh_connect import route


@pytest.mark.parametrize(
    ("text", "hops"),
    [
        ("", ()),
        ("none", ()),
        ("bastion", (Hop("bastion"),)),
        ("me@bastion:2222", (Hop("bastion", "me", 2222),)),
        ("a, b@c", (Hop("a"), Hop("c", "b"))),
        ("[::1]:22", (Hop("::1", None, 22),)),
        ("ssh://me@b:5", (Hop("b", "me", 5),)),
    ],
)
def test_jump_lists(text: str, hops: tuple[Hop, ...]) -> None:
    assert parse_jump(text) == hops


@pytest.mark.parametrize("text", ["a:b", "a:0", "a:70000", "a,,b", "@"])
def test_a_bad_jump_list_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        parse_jump(text)


def test_proxyjump_none_is_no_host() -> None:
    config = parse_config("hostname fir\nproxyjump none\nproxycommand none\nidentityagent none\n", "fir")
    assert (config.proxy_jump, config.proxy_command, config.identity_agent) == (None, None, "none")


def test_match_include_and_jump_hold(tmp_path: Path) -> None:
    (tmp_path / "more").write_text(
        "Host fir\n  HostName 10.0.0.7\n  ProxyJump me@bastion:2200\n  HostKeyAlias firkey\n"
    )
    main = tmp_path / "config"
    main.write_text(f"Include {tmp_path}/more\nHost fir oak *.x\n  User op\n  Port 2022\n  IdentitiesOnly yes\n")
    config = ask_config("fir", file=main)
    assert (config.hostname, config.user, config.port) == ("10.0.0.7", "op", 2022)
    assert config.identities_only
    assert (config.proxy_jump, config.host_key_alias) == ("me@bastion:2200", "firkey")
    assert configured_hosts(main) == ["fir", "oak"]


def test_a_broken_configuration_is_told(tmp_path: Path) -> None:
    main = tmp_path / "config"
    main.write_text("Nonsense yes\n")
    with pytest.raises(RemoteError, match="configuration cannot be read"):
        ask_config("fir", file=main)


def _route(tmp_path: Path, config: str, **values: object) -> list[tuple[str, str, int, str]]:
    main = tmp_path / "config"
    main.write_text(config)
    host = Host.model_validate({"name": "fir", "address": "fir", **values})
    legs = route(host, Access(ssh_config=main, known_hosts=tmp_path / "kh"))
    return [(leg.endpoint.host, leg.endpoint.address, leg.endpoint.port, leg.user) for leg in legs]


def test_the_cluster_file_wins_over_the_configuration(tmp_path: Path) -> None:
    config = "Host fir\n  HostName 10.0.0.7\n  User a\n  Port 2\n  ProxyJump b1\nHost *\n  User d\n"
    assert _route(tmp_path, config) == [("b1", "b1", 22, "d"), ("fir", "10.0.0.7", 2, "a")]
    assert _route(tmp_path, config, user="u", port=22, jump="x@b2:9") == [
        ("b2", "b2", 9, "x"),
        ("fir", "10.0.0.7", 22, "u"),
    ]
    assert _route(tmp_path, config, jump="none") == [("fir", "10.0.0.7", 2, "a")]


def test_a_jump_host_may_have_its_own_jump_host_but_no_circle(tmp_path: Path) -> None:
    config = "Host fir\n  ProxyJump b2\nHost b2\n  ProxyJump b1\nHost *\n  User u\n"
    assert [leg[0] for leg in _route(tmp_path, config)] == ["b1", "b2", "fir"]
    with pytest.raises(RemoteError, match="loop"):
        _route(tmp_path, "Host *\n  ProxyJump b1\n")
    with pytest.raises(RemoteError, match="circle"):
        _route(tmp_path, "Host fir a\n  ProxyJump b\nHost b\n  ProxyJump a\n")


def test_proxycommand_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(RemoteError, match="ProxyCommand is not supported") as caught:
        _route(tmp_path, "Host fir\n  ProxyCommand nc %h %p\n")
    assert "ProxyJump" in str(caught.value.remedy)
