"""The terminal's Talk: what counts as consent, and what is done when nobody answers."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import cast

import pytest

from tui.cluster import Cluster, ClusterSection, Host, Tenant
from tui.headless import answered, unlock_tenant
from tui.remote.errors import CertificateUnknown, HostKeyUnknown, SecretKind, SecretNeeded
from tui.remote.secrets import Secrets
from tui.runbook.model import Plan, Question
from tui.runbook.operations import Operations
from tui.sizes import told_count
from tui.terminal_talk import TerminalTalk

CLUSTER = Cluster(cluster=ClusterSection(name="berlin", first="fir"), hosts=(Host(name="fir", address="fir"),))
PLAN = Plan(cluster="berlin", stages=())
KEY = HostKeyUnknown("fir", address="fir", port=22, key_type="ssh-ed25519", fingerprint="SHA256:abc", key=b"")
CERTIFICATE = CertificateUnknown(
    "elm",
    address="elm.example.com",
    port=5986,
    certificate=b"der",
    fingerprint="AB:CD",
    subject="CN=elm",
    expires=datetime(2027, 1, 2, tzinfo=UTC),
)
QUESTION = Question(
    id="1", kind="failure", host="oak", step="stop", text=("it failed",), choices=("retry", "skip", "roll_back")
)


class Person:
    """Types the given answers, then nothing more."""

    def __init__(self, answers: Sequence[str] = (), *, quiet: bool = False, yes: bool = False) -> None:
        self._answers = list(answers)
        self.shown: list[str] = []
        self.talk = TerminalTalk(
            show=self.shown.append, ask_line=self._type, ask_hidden=self._type, quiet=quiet, yes=yes
        )

    def _type(self, _prompt: str) -> str | None:
        return self._answers.pop(0) if self._answers else None


def nobody(*, yes: bool = False) -> TerminalTalk:
    return TerminalTalk(show=lambda line: None, ask_line=None, ask_hidden=None, yes=yes)


@pytest.mark.parametrize(("typed", "confirmed"), [("yes", True), ("y", False), ("Yes", False), ("", False)])
def test_only_the_word_yes_confirms_a_host_key(typed: str, confirmed: bool) -> None:
    assert Person([typed]).talk.confirm_host_key(KEY) is confirmed


@pytest.mark.parametrize(("typed", "confirmed"), [("yes", True), ("y", False), ("", False)])
def test_only_the_word_yes_confirms_a_certificate(typed: str, confirmed: bool) -> None:
    person = Person([typed], quiet=True, yes=True)
    assert person.talk.confirm_certificate(CERTIFICATE) is confirmed
    shown = " ".join(person.shown)
    assert all(part in shown for part in ("elm.example.com", "AB:CD", "CN=elm", "2027-01-02"))


class Unknown:
    """A host whose certificate nobody has confirmed yet."""

    def __init__(self) -> None:
        self.trusted: list[CertificateUnknown] = []

    def connect(self, host: str) -> str:
        if not self.trusted:
            raise CERTIFICATE
        return host

    def trust_certificate(self, question: CertificateUnknown) -> None:
        self.trusted.append(question)


def test_a_confirmed_certificate_is_remembered_and_the_host_asked_again() -> None:
    host = Unknown()
    operations = cast(Operations, host)
    assert answered(operations, Person(["yes"]).talk, lambda: host.connect("elm")) == "elm"
    assert host.trusted == [CERTIFICATE]


def test_a_certificate_that_nobody_confirms_ends_the_flow_with_the_question() -> None:
    host = Unknown()
    with pytest.raises(CertificateUnknown):
        answered(cast(Operations, host), nobody(yes=True), lambda: host.connect("elm"))
    assert host.trusted == []


def test_the_fingerprint_is_shown_even_where_progress_is_not() -> None:
    person = Person(["yes"], quiet=True)
    person.talk.say("progress")
    person.talk.confirm_host_key(KEY)
    assert any("SHA256:abc" in line for line in person.shown)
    assert "progress" not in person.shown


def test_yes_confirms_a_plan_and_an_undoing_but_no_host_key() -> None:
    talk = nobody(yes=True)
    assert talk.confirm_plan(CLUSTER, PLAN)
    assert talk.confirm_undo(CLUSTER, "1", ("oak",))
    assert not talk.confirm_host_key(KEY)


@pytest.mark.parametrize(("typed", "confirmed"), [("berlin", True), ("Berlin", False), ("yes", False)])
def test_a_plan_and_an_undoing_are_confirmed_by_the_clusters_name(typed: str, confirmed: bool) -> None:
    assert Person([typed]).talk.confirm_plan(CLUSTER, PLAN) is confirmed
    assert Person([typed]).talk.confirm_undo(CLUSTER, "1", ("oak",)) is confirmed


def test_nobody_answers_with_the_last_choice_and_gives_no_secret() -> None:
    talk = nobody()
    assert talk.choose(QUESTION) == "roll_back"
    assert talk.ask_secret(SecretNeeded("fir", SecretKind.PASSWORD, "the password")) is None
    assert talk.ask_passphrase(new=True) is None
    assert not talk.confirm_plan(CLUSTER, PLAN)


def test_a_question_is_asked_until_it_is_answered_by_one_of_its_words() -> None:
    assert Person(["perhaps", "ret", "retry"]).talk.choose(QUESTION) == "retry"
    assert Person(["perhaps"]).talk.choose(QUESTION) == "roll_back"


def test_a_new_passphrase_is_long_enough_and_typed_twice_alike() -> None:
    assert Person(["short", "long enough", "long enuogh", "long enough", "long enough"]).talk.ask_passphrase(
        new=True
    ) == ("long enough")
    assert Person(["x"]).talk.ask_passphrase(new=False) == "x"


class Tells:
    """Operations that only know the cluster; they fail when they are handed a secret."""

    cluster = CLUSTER.model_copy(update={"tenant": Tenant(domain="acme.eu.auth0.com", client_id="app")})

    def supply_client_secret(self, secret: str) -> None:
        raise AssertionError("a secret that was known was asked for")


def test_a_client_secret_that_the_keyring_holds_is_not_asked_for() -> None:
    secrets = Secrets()
    secrets.ask_elsewhere({"tenant/client_secret": "ringed"}.get)
    person = Person(["typed"])
    unlock_tenant(cast(Operations, Tells()), person.talk, secrets)
    assert person.shown == []
    assert secrets.client_secret() == "ringed"


@pytest.mark.parametrize(("number", "told"), [(0, "0 changes"), (1, "1 change"), (2, "2 changes")])
def test_counts_are_told_in_proper_plurals(number: int, told: str) -> None:
    assert told_count(number, "change") == told
