"""What each act is called wherever a run is told of, and what taking it back means."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ActWords:
    """`name` fits into a sentence; `heading` and `why` stand above its progress; `taken_back` says what an undo does."""

    name: str
    heading: str
    why: str
    taken_back: str


_SET_BACK = "Every host that this run has changed is put back, to the byte, also those that are verified."
_STARTED = "An instance that was stopped is started again. Nothing else was changed."
_ADD = ActWords(
    "adding hosts",
    "Carrying it out",
    "One host at a time, then the others. Each is proved before the next begins.",
    _SET_BACK,
)
_EACH_PROVED = "One instance at a time; the next only after the last is verified connected and stable."
_TAUGHT = "One instance teaches the tenant, the others follow at once. Nobody can log in until the first is accepted."
_WORDS = {
    "add": _ADD,
    "restart": ActWords("restart", "Restarting", _EACH_PROVED, _STARTED),
    "drill": ActWords(
        "failover drill",
        "Drilling the loss of each instance",
        "Each leaves service in turn, while the others must stay connected and the connection online.",
        _STARTED,
    ),
    "converge": ActWords("converging", "Bringing back to the first host's set", _EACH_PROVED, _SET_BACK),
    "restore": ActWords("restoring a backup", "Restoring a backup", _EACH_PROVED, _SET_BACK),
    "republish": ActWords("restoring a backup everywhere", "Restoring a backup everywhere", _TAUGHT, _SET_BACK),
    "change": ActWords("change everywhere", "Changing every instance", _EACH_PROVED, _SET_BACK),
    "renew": ActWords("certificate renewal", "Renewing the certificate", _TAUGHT, _SET_BACK),
}


def act_words(act: str) -> ActWords:
    """The words for an act; those of adding hosts for one that this version does not know."""
    return _WORDS.get(act, _ADD)
