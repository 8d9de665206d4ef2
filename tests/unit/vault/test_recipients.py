"""Which texts are age x25519 recipients."""

from __future__ import annotations

import pytest

from tui.vault.recipients import check_recipients, recipient_problem

USUAL = "age1pqu2x3rf022hgy33ndnd8ua07xhpgr9gz4h83ylpqtxs8t8qxffsu2hk99"
"""An x25519 recipient whose key happens to begin like the name of another kind."""


def test_a_key_that_begins_like_the_name_of_another_kind_is_a_recipient_all_the_same() -> None:
    assert recipient_problem(USUAL) is None
    assert check_recipients([f" {USUAL}\n", USUAL]) == (USUAL,)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("age1pq1" + "q" * 60, "only x25519"),
        ("age1yubikey1" + "q" * 60, "only x25519"),
        ("age1tag1" + "q" * 60, "only x25519"),
        ("ssh-ed25519 AAAA", "only x25519"),
        ("AGE-SECRET-KEY-1" + "Q" * 58, "disclosed"),
        (USUAL[:-1] + "8", "checksum is wrong"),
        (USUAL[:-1], "no age recipient"),
    ],
)
def test_what_is_none_is_said_without_repeating_it(text: str, why: str) -> None:
    problem = recipient_problem(text)
    assert problem is not None
    assert why in problem
    assert text not in problem
