"""The seven tests of the troubleshooter: what each says, what that means, and what to do."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from tui.connector.model import Outcome


@dataclass(frozen=True, slots=True)
class Test:
    """One test. `says_passed` and the others match the beginning of a message, its mark removed.

    `shared`: another test says the same, so a message counts only while this test runs.
    """

    id: str
    title: str
    trying: str
    says_passed: str = r"(?!)"
    says_failed: str = r"(?!)"
    says_other: str = r"(?!)"
    other: Outcome = Outcome.NOT_COMPARED
    shared: bool = False
    remedies: Mapping[Outcome, str] = field(default_factory=dict)

    def says(self, text: str) -> Outcome | None:
        """What a message means for this test, None when it is none of its messages."""
        for pattern, outcome in (
            (self.says_passed, Outcome.PASSED),
            (self.says_failed, Outcome.FAILED),
            (self.says_other, self.other),
        ):
            if re.match(pattern, text, re.IGNORECASE):
                return outcome
        return None


def _remedies(failed: str, not_compared: str | None = None, not_run: str | None = None) -> dict[Outcome, str]:
    found = {
        Outcome.FAILED: failed,
        Outcome.NOT_RUN: not_run or "the run ended before this test: correct what failed before it",
    }
    if not_compared:
        found[Outcome.NOT_COMPARED] = not_compared
    return found


TESTS: tuple[Test, ...] = (
    Test(
        id="auth0",
        title="Auth0",
        trying="Testing connectivity to Auth0",
        says_passed=r"Connection to test endpoint succeeded",
        says_failed=r"Error connecting to Auth0",
        remedies=_remedies(
            "check DNS, outbound 443 to the tenant, HTTP_PROXY, and the root CAs (ISRG X1/X2) on this host",
            not_run="the troubleshooter did not start properly: run `node troubleshoot.js` in the install directory",
        ),
    ),
    Test(
        id="hub",
        title="Hub (WebSockets)",
        trying="Testing hub connectivity",
        says_passed=r"Connection to hub succeeded",
        says_failed=r"Connection to hub failed",
        remedies=_remedies("a proxy or firewall blocks the WebSocket upgrade: let wss:// to the tenant pass unchanged"),
    ),
    Test(
        id="clock",
        title="Clock",
        trying="Testing clock skew",
        says_passed=r"Everything OK\b.*No clock skew",
        says_failed=r"Clock skew detected",
        says_other=r"Error calling the test endpoint",
        remedies=_remedies(
            "set the clock by NTP; the limit is 5 seconds (on Windows `w32tm /resync`; a domain member follows its domain controller)",
            not_compared="the tenant's clock could not be asked: make sure that Auth0 can be reached, then run it again",
        ),
    ),
    Test(
        id="certificates",
        title="Certificates",
        trying="Testing certificates",
        says_passed=r"Local and server certificates match",
        says_failed=r"Local and server certificates (don|do not)",
        remedies=_remedies(
            "another instance has published its own: restore the good pair on every host, then restart them",
            not_compared="compare the certificate's thumbprint with the tenant's yourself (`adldap-ha status`)",
        ),
    ),
    Test(
        id="nltest",
        title="Windows domain (NLTEST)",
        trying="Running NLTEST",
        says_other=r"NLTEST can only run on Windows",
        other=Outcome.NOT_APPLICABLE,
        remedies=_remedies(
            "the host is not joined to the domain, or DNS or a VPN stands between it and the controllers; on a host that is "
            "to be in no domain, because its directory is not Active Directory, this test always fails and may be passed over"
        ),
    ),
    Test(
        id="ldaps",
        title="Directory over TLS (LDAPS)",
        trying="Testing SSL connectivity to LDAP",
        says_passed=r"Connection to LDAP succeeded",
        says_failed=r"Connection to LDAP failed",
        shared=True,
        remedies=_remedies(
            "import the CA of the directory's certificate on this host, and check LDAP_URL and port 636"
        ),
    ),
    Test(
        id="ldap",
        title="Users in the directory (LDAP)",
        trying="Testing LDAP connectivity",
        says_passed=r"Connection to LDAP succeeded",
        says_failed=r"Connection to LDAP failed|Unable to find users|Error binding to LDAP",
        shared=True,
        remedies=_remedies(
            "check that the directory runs, the bind account and its password, LDAP_BASE, the filters and the account's "
            "rights; a directory that is not AD needs filters like (objectClass=person)"
        ),
    ),
)
