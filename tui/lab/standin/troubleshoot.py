"""troubleshoot.js of the stand-in: the v6 grammar, its silences included. The exit status says nothing."""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time

from .agent import CLOCK_LIMIT
from .certificates import thumbprint
from .environment import coloured, now, on_windows
from .hub import HubConnection, HubError
from .ldap import Directory, LdapError
from .settings import Settings
from .startup import bind_password
from .web import WebError, request

TRYING, PASSED, FAILED = ("*", "√", "×") if on_windows() else ("✭", "✔", "✖")


def say(level: str, mark: str, text: str) -> None:
    """One line of output, coloured unless NO_COLOR asks for none."""
    stamp = time.strftime("%H:%M:%S", time.localtime(now()))
    colours = {PASSED: "green", FAILED: "red", TRYING: "yellow"}
    shown = f"{mark} {text}" if mark else text
    if "STANDIN_PLAIN" not in os.environ:
        level = coloured(level, "green" if level == "info" else "red")
        shown = coloured(shown, colours.get(mark, ""))
    sys.stdout.write(f"{stamp} - {level}: {shown}\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Test the install directory in `arguments`; 0 whatever was found, 1 only when the directory is down."""
    settings = Settings(os.path.realpath(arguments[0] if arguments else "."))
    ticket = settings.text("PROVISIONING_TICKET")
    site = "/".join(ticket.split("/")[:3])
    if not test_auth0(site):
        return 0
    test_hub(settings)
    test_clock(site)
    test_certificates(settings, ticket)
    say("info", TRYING, "Running NLTEST...")
    test_domain()
    say("info", TRYING, "Testing SSL connectivity to LDAP...")
    test_ldaps(settings)
    say("info", TRYING, "Testing LDAP connectivity...")
    try:
        test_ldap(settings)
    except OSError as error:
        sys.stderr.write(
            "node:events:497\n      throw er; // Unhandled 'error' event\n      ^\n\n"
            f"Error: connect ECONNREFUSED ({error.strerror or error})\n"
            "    at TCPConnectWrap.afterConnect [as oncomplete] (node:net)\n\nNode.js v22.11.0\n"
        )
        return 1
    say("info", "", "Done!")
    return 0


def test_auth0(site: str) -> bool:
    """Reach the tenant; without it the whole run ends here."""
    say("info", TRYING, "Testing connectivity to Auth0...")
    try:
        if not site:
            raise WebError("ENOTFOUND", "no ticket, and a lab host has no way to the internet")
        answer = request(f"{site}/test")
    except WebError as error:
        detail = {"code": error.code, "syscall": "connect"}
        say("error", "", f"  > Error: {json.dumps(detail)}")
        return False
    if answer.status == 200:
        say("info", PASSED, "Connection to test endpoint succeeded.")
    else:
        say("error", FAILED, "Error connecting to Auth0.")
    return True


def test_hub(settings: Settings) -> None:
    """Open the hub's WebSocket, without authenticating."""
    say("info", TRYING, "Testing hub connectivity (WS)...")
    try:
        HubConnection(settings.text("AD_HUB")).close()
        say("info", PASSED, "Connection to hub succeeded.")
    except HubError:
        say("error", FAILED, "Connection to hub failed.")


def test_clock(site: str) -> None:
    """Compare this host's clock with the tenant's."""
    say("info", TRYING, "Testing clock skew...")
    try:
        theirs = float(request(f"{site}/test").document()["clock"]) / 1000
    except (WebError, KeyError, TypeError, ValueError):
        say("error", "", "Error calling the test endpoint.")
        return
    ours = now()
    if abs(ours - theirs) <= CLOCK_LIMIT:
        say("info", PASSED, "Everything OK. No clock skew detected.")
        return
    say("error", FAILED, "Clock skew detected:")
    for name, moment in (("Local time", ours), ("Auth0 time", theirs)):
        say("error", "", f"  > {name}: {time.strftime('%a, %d %b %Y %H:%M:%S GMT', time.gmtime(moment))}")


def test_certificates(settings: Settings, ticket: str) -> None:
    """Compare the local certificate with those that the tenant knows; silent when either is missing."""
    say("info", TRYING, "Testing certificates...")
    local = settings.certificate_file("cert.pem")
    if not ticket or local is None:
        return
    try:
        known = request(f"{ticket}/info").document().get("thumbprints") or []
        own = thumbprint(local)
    except (WebError, ValueError):
        return
    if not known:
        return
    if own == known[0]:
        say("info", PASSED, "Local and server certificates match.")
    else:
        say("error", FAILED, "Local and server certificates don't match.")


def test_domain() -> None:
    """What nltest says of the domain that the host is joined to."""
    if not on_windows():
        say("info", "", "NLTEST can only run on Windows.")
        return
    domain = os.environ.get("LAB_DOMAIN")
    if not domain:
        say("error", "", "Getting DC name failed: Status = 1355 0x54b ERROR_NO_SUCH_DOMAIN")
        return
    facts = {
        "DC": f"\\\\dc1.{domain}",
        "Dom Name": domain,
        "Forest Name": domain,
        "Flags": "PDC GC DS LDAP KDC TIMESERV",
    }
    for name, value in facts.items():
        say("info", "", f"{name:>14}: {value}")
    say("info", "", "The command completed successfully")


def test_ldaps(settings: Settings) -> None:
    """Open the directory over TLS; says nothing when its URL is plain ldap://."""
    url = settings.text("LDAP_URL")
    if not url.startswith("ldaps:"):
        return
    try:
        Directory(url).close()
        say("info", PASSED, "Connection to LDAP succeeded.")
    except OSError as error:
        say("error", "", f"  > Error: {json.dumps({'code': 'ECONNREFUSED', 'text': str(error)})}")


def test_ldap(settings: Settings) -> None:
    """Search for users. Only more than five of them earn a mark. Raises OSError when the directory is down."""
    directory = Directory(settings.text("LDAP_URL"))
    with contextlib.closing(directory):
        try:
            directory.bind(settings.text("LDAP_BIND_USER"), _password(settings))
        except LdapError as error:
            sys.stderr.write(f"Error binding to LDAP dn: {settings.text('LDAP_BIND_USER')} code: {error.code}\n")
            sys.stderr.flush()
        try:
            wanted = settings.text("LDAP_SEARCH_ALL_QUERY", "(objectCategory=person)")
            users = directory.search(settings.text("LDAP_BASE"), wanted)
        except (LdapError, ValueError) as error:
            say("error", FAILED, "Connection to LDAP failed.")
            say("error", "", f"  > Error: {error}")
            return
    if not users:
        say("error", FAILED, "Unable to find users. Verify the permissions for the current user.")
        return
    for name, attributes in users[:5]:
        say("info", "", f"  > Found user: {attributes.get('displayName', [name])[0]}")
    if len(users) > 5:
        say("info", PASSED, "Connection to LDAP succeeded.")
    say("info", "", "end")


def _password(settings: Settings) -> str:
    try:
        return bind_password(settings)
    except ValueError:
        return ""
