"""Every right that lacks on a Windows host is recognised, and told with its remedy."""

from __future__ import annotations

import pytest

from tui.remote.errors import RightsLacking
from tui.remote.windows.ability import Ability, check_ability, refused_by_language_mode

GOOD = Ability(
    language_mode="FullLanguage",
    version="5.1.17763.5830",
    user="ELM\\ops",
    elevated=True,
    administrator=True,
    computer="ELM",
    build="17763",
)


def told(**changes: object) -> RightsLacking:
    with pytest.raises(RightsLacking) as lacking:
        check_ability(GOOD.model_copy(update=changes), "elm", "ops")
    assert lacking.value.host == "elm"
    return lacking.value


@pytest.mark.parametrize("version", ["5.1", "5.1.14393.0", "7.4.6", "10.0"])
def test_versions_that_will_do(version: str) -> None:
    check_ability(GOOD.model_copy(update={"version": version}), "elm", "ops")


@pytest.mark.parametrize("version", ["5.0.10586.0", "4.0", "2.0", "", "unknown"])
def test_versions_that_are_too_old(version: str) -> None:
    assert "Windows Management Framework 5.1" in (told(version=version).remedy or "")


@pytest.mark.parametrize("mode", ["ConstrainedLanguage", "RestrictedLanguage", "NoLanguage"])
def test_language_modes_that_are_too_narrow(mode: str) -> None:
    error = told(language_mode=mode, user=None, elevated=None, administrator=None)

    assert mode in error.summary
    assert "JEA" in (error.meaning or "")


def test_filtered_token_is_told_from_an_account_without_rights() -> None:
    filtered, plain = told(elevated=False), told(elevated=False, administrator=False)

    assert "LocalAccountTokenFilterPolicy" in (filtered.remedy or "")
    assert "Administrators" in (plain.remedy or "")
    assert "LocalAccountTokenFilterPolicy" not in (plain.remedy or "")
    assert "ELM\\ops" in filtered.summary
    assert "ops is not an administrator" in told(elevated=False, administrator=False, user=None).summary


@pytest.mark.parametrize(
    ("kind", "message", "recognised"),
    [
        ("System.Management.Automation.RuntimeException", "not allowed in no-language mode", True),
        ("System.Management.Automation.PSNotSupportedException", "only on core types in this language mode.", True),
        ("System.Management.Automation.RuntimeException", "a mistake", False),
        ("System.IO.IOException", "no-language mode.txt", False),
    ],
)
def test_scripts_that_the_language_mode_stops(kind: str, message: str, recognised: bool) -> None:
    assert (refused_by_language_mode(kind, message, "elm") is not None) is recognised
