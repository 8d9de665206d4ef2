"""The fields of the host form: which ones there are for which way of reaching a host, and what they mean together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic_core import ErrorDetails

from tui.cluster import Host, default_port


@dataclass(frozen=True, slots=True)
class Way:
    """How a host is reached, and what it runs."""

    transport: Literal["ssh", "winrm"]
    os: Literal["linux", "windows"]

    def usual_port(self, tls: bool) -> int:
        """The port when none is given."""
        return default_port(self.transport, tls=tls)


WAYS = {
    "linux": Way("ssh", "linux"),
    "winrm": Way("winrm", "windows"),
    "windows-ssh": Way("ssh", "windows"),
}
PICKS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "way": (
        ("linux", "SSH, it runs Linux"),
        ("winrm", "WinRM, it runs Windows"),
        ("windows-ssh", "SSH, it runs Windows"),
    ),
    "become": (("sudo", "with sudo"), ("none", "not needed, the login may do everything")),
    "tls": (("true", "HTTPS, the host shows a certificate"), ("false", "HTTP, the login encrypts messages")),
    "auth": (
        ("negotiate", "Negotiate"),
        ("ntlm", "NTLM"),
        ("kerberos", "Kerberos"),
        ("credssp", "CredSSP"),
        ("basic", "Basic, local accounts over HTTPS only"),
        ("certificate", "a certificate of yours, over HTTPS only"),
    ),
}
_EVERYWHERE = frozenset(WAYS)
_SSH = frozenset(("linux", "windows-ssh"))
_WINRM = frozenset(("winrm",))


@dataclass(frozen=True, slots=True)
class FormField:
    """One line of the form. `hints` is what stands in the empty field, by way where that matters (`""` for the others)."""

    name: str
    label: str
    explain: str
    hints: Mapping[str, str]
    ways: frozenset[str] = _EVERYWHERE

    def belongs(self, picked: Mapping[str, str]) -> bool:
        """Whether the field is there with these picks."""
        by_certificate = picked["way"] == "winrm" and picked["auth"] == "certificate"
        if self.name == "client_certificate":
            return by_certificate
        if self.name == "identity" and by_certificate:
            return True
        if self.name == "ca_file" and picked["tls"] == "false":
            return False
        return picked["way"] in self.ways

    def hint(self, picked: Mapping[str, str]) -> str:
        """What stands in the field while it is empty."""
        if self.name == "port":
            return str(WAYS[picked["way"]].usual_port(picked["tls"] == "true"))
        return self.hints.get(picked["way"], self.hints.get("", ""))


FIELDS = (
    FormField(
        "name",
        "Name",
        "A short name. Hosts of your SSH configuration are offered: right arrow takes one.",
        {"": "what the cluster calls it"},
    ),
    FormField(
        "address", "Address", "The host name or IP address to connect to.", {"": "name or address to connect to"}
    ),
    FormField("way", "Reached by", "WinRM is PowerShell remoting. Windows may have an OpenSSH server as well.", {}),
    FormField("port", "Port", "The port of the host's SSH server, or of its WinRM listener.", {}),
    FormField(
        "user",
        "Login",
        "The account to log in to. On Linux it need not be root; on Windows it must be an administrator.",
        {"": "your own account name", "winrm": "DOMAIN\\name, name@domain, or .\\name for a local one"},
    ),
    FormField("become", "Becomes root", "How root's files are reached.", {}, frozenset(("linux",))),
    FormField(
        "tls", "Encrypted by", "HTTPS needs a listener with a certificate. HTTP is never used in the clear.", {}, _WINRM
    ),
    FormField(
        "auth",
        "Logs in with",
        "Negotiate takes Kerberos or NTLM, as the host offers. Kerberos alone and CredSSP need an extra to be installed.",
        {},
        _WINRM,
    ),
    FormField(
        "ca_file",
        "CA file",
        "The authority that signed the listener's certificate (PEM). Without one that is known you compare a fingerprint.",
        {"": "this machine's authorities"},
        _WINRM,
    ),
    FormField(
        "client_certificate",
        "Certificate",
        "The certificate to log in with (PEM); the host maps it to an account.",
        {"": "its path on this jump box"},
        _WINRM,
    ),
    FormField(
        "identity",
        "Key file",
        "A private key on this jump box. For SSH, your agent and usual keys are offered without one.",
        {"": "your agent and usual keys", "winrm": "the private key of the certificate"},
        _SSH,
    ),
    FormField(
        "jump",
        "Jump through",
        "[user@]host[:port], several separated by commas, nearest first, as in ssh -J.",
        {"": "directly"},
        _SSH,
    ),
    FormField(
        "install_dir",
        "Install folder",
        "Where the connector is installed. It is found by what the services run.",
        {"": "found by itself"},
    ),
    FormField(
        "connector_unit",
        "Service",
        "The connector's systemd unit or Windows service. It is found by what it runs.",
        {"": "found by itself"},
    ),
    FormField(
        "admin_unit",
        "Admin service",
        "The admin console's systemd unit or Windows service, where there is one.",
        {"": "found by itself"},
    ),
)


def way_of(host: Host | None) -> str:
    """The way in which a host is reached."""
    return next(
        (
            name
            for name, way in WAYS.items()
            if host is not None and (way.transport, way.os) == (host.transport, host.system)
        ),
        "linux",
    )


def given(picked: Mapping[str, str], typed: Mapping[str, str]) -> dict[str, Any]:
    """What the form says, in the words of a cluster file; what is not given is left out."""
    way = WAYS[picked["way"]]
    values: dict[str, Any] = {name: value for name, value in typed.items() if value}
    values.setdefault("address", values.get("name", ""))
    values["transport"] = way.transport
    if way.os == "linux":
        values["become"] = picked["become"]
    elif way.transport == "ssh":
        values["os"] = way.os
    if way.transport == "winrm":
        values["tls"] = picked["tls"] == "true"
        if picked["auth"] != PICKS["auth"][0][0]:
            values["auth"] = picked["auth"]
    if "port" in values and values["port"].isdecimal():
        values["port"] = int(values["port"])
    return values


_EXPECTED = {
    "name": "give it a name of letters, digits, dots and dashes.",
    "address": "give a host name or an address.",
    "port": "give a number from 1 to 65535.",
}


def complaint(error: ErrorDetails) -> tuple[str, str]:
    """The field that an error of a Host is about, and what to tell of it."""
    context = error.get("ctx", {})
    place = (*error["loc"], *context.get("path", ()))
    name = str(place[0]) if place and any(field.name == place[0] for field in FIELDS) else "name"
    label = next(field.label for field in FIELDS if field.name == name)
    if "problem" in context:
        return name, f"{label}: {context['problem']}."
    expected = _EXPECTED.get(name) or f"expected is {Host.model_fields[name].description}."
    return name, f"{label}: {expected}"
