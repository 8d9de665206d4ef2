"""The last question: does the tenant itself call the connection online?"""

from __future__ import annotations

import time
from collections.abc import Callable

from tui.errors import OperatorError
from tui.runbook.context import RunContext
from tui.runbook.model import Change, Evidence, StepQuestion
from tui.runbook.steps.base import NOTHING_TO_PROVE, NOTHING_TO_UNDO, TO_DO
from tui.tenant import Online, TenantClient

GREEN, NOT_GREEN, NOT_CHECKED = "green", "not_green", "not_checked"

_PATIENCE_S = 45.0
_PAUSE_S = 5.0


class TenantStatus:
    """Ask the Management API, or a person where the cluster file has no `[tenant]`."""

    name = "tenant-online"
    title = "See that the tenant calls the connection online"
    why = "this is what users' logins depend on, seen from the other side"
    may_skip = True

    def __init__(self, context: RunContext, client: Callable[[], TenantClient] | None) -> None:
        """`client` makes the API client; None when the cluster file has no `[tenant]` or nobody gave the client secret."""
        self._context = context
        self._client = client
        self._answer: str | None = None

    @property
    def host(self) -> str | None:
        """It concerns no host."""
        return None

    def check(self) -> Evidence:
        """It is asked anew by every runner."""
        return TO_DO

    def plan(self) -> tuple[Change, ...]:
        """A read-only question."""
        whom = "the Management API" if self._client else "the operator"
        return (Change(action="ask", subject=f"{whom} whether the connection is online"),)

    def question(self) -> StepQuestion | None:
        """What the operator is asked when there is no API access, or when the API could not tell."""
        connection = self._context.first().connection
        self._answer = None
        reason = self._why_ask(connection)
        if reason is None:
            return None
        return StepQuestion(
            kind="tenant",
            text=(
                f"Is the connection {connection} shown as online in the Auth0 dashboard?",
                "Authentication → Enterprise → Active Directory / LDAP: a green dot beside its name.",
                f"{reason}, so nobody but you can tell. Your answer is recorded.",
            ),
            choices=(GREEN, NOT_GREEN, NOT_CHECKED),
        )

    def _why_ask(self, connection: str) -> str | None:
        if self._context.cluster.tenant is None:
            return "The cluster file has no [tenant]"
        if self._client is None:
            return "The client secret of the Management API was not given"
        status = self._client().connection_status(connection)
        return f"The Management API could not tell ({status.why})" if status.state is Online.UNKNOWN else None

    def answered(self, choice: str) -> None:
        """The operator's word."""
        self._answer = choice

    def apply(self) -> Evidence:
        """Ask; raises OperatorError when the connection is not online."""
        if self._client is not None and self._answer is None:
            return self._ask_api(self._client())
        if self._answer == GREEN:
            return Evidence(detail=f"online, says {self._context.operator}")
        if self._answer == NOT_GREEN:
            raise OperatorError(
                "the operator says that the connection is not shown as online",
                meaning="the instances are accepted by the hub, but the tenant does not count the connection as online",
                remedy="reload the dashboard and compare the connection's name; then answer again, or go on without it",
            )
        return Evidence(detail="not checked: nobody has looked at the dashboard")

    def verify(self) -> Evidence:
        """Nothing was done that needs proof."""
        return NOTHING_TO_PROVE

    def undo(self) -> Evidence:
        """Nothing was changed."""
        return NOTHING_TO_UNDO

    def _ask_api(self, client: TenantClient) -> Evidence:
        connection = self._context.first().connection
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            status = client.connection_status(connection)
            if status.state is Online.ONLINE:
                return Evidence(detail=f"the Management API calls {connection} online")
            if status.state is Online.UNKNOWN:
                raise OperatorError(
                    f"the Management API could not tell whether {connection} is online: {status.why}",
                    meaning="every instance was proven connected; only the tenant's own word is missing",
                    remedy=status.remedy or "retry, and look at the Auth0 dashboard when you are asked",
                )
            if time.monotonic() > deadline:
                raise OperatorError(
                    f"the Management API calls {connection} offline",
                    tried=f"asked for {_PATIENCE_S:g} s",
                    meaning="the instances are accepted by the hub, but the tenant does not count the connection as online",
                    remedy="check that [tenant] domain is the tenant that the connection belongs to; then retry",
                )
            time.sleep(_PAUSE_S)
