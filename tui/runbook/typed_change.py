"""A change for every instance as an operator types it: the path of a profile mapper, and keys with their values."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from tui.errors import OperatorError

_LARGEST_MAPPER = 1 << 20


class TypedWrong(OperatorError):
    """Something typed cannot be taken. `place`: which of the settings, counted from 0; None for the profile mapper."""

    def __init__(self, error: OperatorError, place: int | None = None) -> None:
        super().__init__(error.summary, meaning=error.meaning, remedy=error.remedy)
        self.place = place


def mapper_text(file: Path) -> str:
    """The text of a profile mapper on this jump box, every line end as it is. Raises OperatorError for a file that cannot be one."""
    try:
        data = file.expanduser().read_bytes()
        text = data.decode("utf-8")
    except OSError as error:
        raise OperatorError(f"{file} cannot be read: {error.strerror}", remedy="name an existing file") from error
    except UnicodeDecodeError:
        raise OperatorError(f"{file} is not UTF-8 text", remedy="save the profile mapper as UTF-8") from None
    if not text.strip() or len(data) > _LARGEST_MAPPER:
        raise OperatorError(
            f"{file} is {'empty' if not text.strip() else 'larger than 1 MiB'}",
            meaning="a connector without a profile mapper cannot start",
            remedy="name the profile mapper's own file",
        )
    return text


def keys_and_values(settings: Sequence[str]) -> dict[str, str]:
    """`KEY=VALUE` texts as keys with values. Raises TypedWrong for one without a value, and for a key that is there twice."""
    found: dict[str, str] = {}
    for place, setting in enumerate(settings):
        key, equals, value = setting.partition("=")
        if not equals:
            raise TypedWrong(OperatorError(f"{setting} has no value", remedy="say KEY=VALUE"), place)
        if key.strip() in found:
            raise TypedWrong(OperatorError(f"{key.strip()} is there twice", remedy="give it one value"), place)
        found[key.strip()] = value
    return found
