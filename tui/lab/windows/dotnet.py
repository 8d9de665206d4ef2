"""The errors of .NET and PowerShell that Windows gives, as PsError: exception type, message and HResult."""

from __future__ import annotations

from tui.lab.windows.wsman_calls import PsError

ACCESS_DENIED, SHARING, DISK_FULL = 0x80070005, 0x80070020, 0x80070070
WRITE_PROTECTED, TOO_LONG, NOT_EMPTY = 0x80070013, 0x800700CE, 0x80070091


def code(unsigned: int) -> int:
    """An HResult as .NET gives it: a signed number of 32 bits."""
    return unsigned - (1 << 32) if unsigned & 0x80000000 else unsigned


def error(kind: str, message: str, hresult: int) -> PsError:
    """Any other exception."""
    return PsError(kind, message, code(hresult))


def refused(text: str) -> PsError:
    """A script's own refusal: its text begins with a code word in brackets."""
    return error("System.InvalidOperationException", text, 0x80131509)


def file_missing(path: str) -> PsError:
    """There is no such file."""
    return error("System.IO.FileNotFoundException", f"Could not find file '{path}'.", 0x80070002)


def path_missing(path: str) -> PsError:
    """A directory on the way is missing."""
    return error("System.IO.DirectoryNotFoundException", f"Could not find a part of the path '{path}'.", 0x80070003)


def item_missing(path: str) -> PsError:
    """What Get-Item says of something that is not there."""
    text = f"Cannot find path '{path}' because it does not exist."
    return error("System.Management.Automation.ItemNotFoundException", text, 0x80131501)


def denied(path: str) -> PsError:
    """The ACL does not let this account."""
    return error("System.UnauthorizedAccessException", f"Access to the path '{path}' is denied.", ACCESS_DENIED)


def in_use(path: str) -> PsError:
    """Another process holds the file open and shares it less."""
    text = f"The process cannot access the file '{path}' because it is being used by another process."
    return error("System.IO.IOException", text, SHARING)


def disk_full() -> PsError:
    """No space is left."""
    return error("System.IO.IOException", "There is not enough space on the disk.", DISK_FULL)


def write_protected() -> PsError:
    """The volume is read-only."""
    return error("System.IO.IOException", "The media is write protected.", WRITE_PROTECTED)


def too_long() -> PsError:
    """A path that the Windows API does not take."""
    text = (
        "The specified path, file name, or both are too long. The fully qualified file name must be less than 260 "
        "characters, and the directory name must be less than 248 characters."
    )
    return error("System.IO.PathTooLongException", text, TOO_LONG)


def exists(path: str) -> PsError:
    """There is such a file or directory already."""
    text = f"Cannot create '{path}' because a file or directory with the same name already exists."
    return error("System.IO.IOException", text, 0x800700B7)


def not_empty() -> PsError:
    """A directory that is to go still holds something."""
    return error("System.IO.IOException", "The directory is not empty.", NOT_EMPTY)


def illegal(text: str = "Illegal characters in path.") -> PsError:
    """A path that is none."""
    return error("System.ArgumentException", text, 0x80070057)


def unsupported(text: str = "The given path's format is not supported.") -> PsError:
    """A path of a kind that .NET does not take."""
    return error("System.NotSupportedException", text, 0x80131515)


def unbound(text: str) -> PsError:
    """A parameter that the script does not have, lacks, or cannot take."""
    return error("System.Management.Automation.ParameterBindingException", text, 0x80131501)


def of_win32(number: int, message: str) -> PsError:
    """An error of the service control manager as this project's scripts throw it."""
    return error("System.Runtime.InteropServices.COMException", message, 0x80070000 | number)


def constrained() -> PsError:
    """What Constrained Language Mode says to nearly every script."""
    text = "Cannot invoke method. Method invocation is supported only on core types in this language mode."
    return error("System.Management.Automation.RuntimeException", text, 0x80131501)
