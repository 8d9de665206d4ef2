"""Logging in: keys, password, keyboard-interactive; every secret is tried once and never again."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import paramiko
from paramiko.agent import AgentKey

from tui.remote.errors import AuthenticationFailed, RemoteError, SecretKind, SecretNeeded
from tui.remote.secrets import Secrets
from tui.remote.ssh_keys import Identity, agent_keys, load_identity, public_part

MAX_KEYS = 5
"""Keys offered to one server: its MaxAuthTries is six by default, and a password needs one."""

_PASSWORD_PROMPT = re.compile(r"pass\s?(word|code|phrase)|passwor[dt]|mot de passe|contrase|kennwort", re.IGNORECASE)
_NEW_PASSWORD = re.compile(r"\b(new|retype|again|change|expired)\b", re.IGNORECASE)


@dataclass(slots=True)
class Login:
    """One attempt to log in to one server. `host` is the name that its secrets go by."""

    host: str
    user: str
    server: str
    identities: Sequence[Identity]
    identities_only: bool
    identity_agent: str | None
    secrets: Secrets
    _tried: list[str] = field(default_factory=list)
    _locked: SecretNeeded | None = None
    _locked_explicit: bool = False
    _password_used: bool = False
    _keys_offered: bool = False

    def perform(self, transport: paramiko.Transport) -> None:
        """Log in. Raises SecretNeeded, AuthenticationFailed, or what a broken connection raises (AuthenticationFailed too,
        when the server hung up because of too many attempts)."""
        try:
            allowed = self._allowed(transport)
            for _ in range(8):
                if not allowed:
                    return
                allowed = self._stage(transport, allowed)
        except (paramiko.SSHException, EOFError, OSError) as error:
            raise self._broken(error) from None
        raise self._refused(allowed)

    def _allowed(self, transport: paramiko.Transport) -> list[str]:
        try:
            return list(transport.auth_none(self.user))
        except paramiko.BadAuthenticationType as error:
            return list(error.allowed_types)

    def _stage(self, transport: paramiko.Transport, allowed: list[str]) -> list[str]:
        """One method that succeeds: what the server still wants after it, [] when logged in."""
        password = self.secrets.of_host(self.host, SecretKind.PASSWORD)
        for method in self._methods(allowed, password):
            result = method(transport)
            if result is not None:
                return result
        by_password = bool({"password", "keyboard-interactive"} & set(allowed)) and not self._password_used
        if self._locked is not None and (self._locked_explicit or not by_password):
            raise self._locked
        if by_password:
            needed = SecretNeeded(self.host, SecretKind.PASSWORD, f"the password of {self.user} on {self.server}")
            needed.tried = ", ".join(self._tried) or None
            raise needed
        raise self._refused(allowed)

    def _methods(
        self, allowed: list[str], password: str | None
    ) -> Iterator[Callable[[paramiko.Transport], list[str] | None]]:
        keys = "publickey" in allowed and not self._keys_offered
        if keys:
            self._keys_offered = True
            if password is None:
                yield lambda transport: self._keys(transport, explicit=True, others=True)
            else:
                yield lambda transport: self._keys(transport, explicit=True, others=False)
        if password is not None and not self._password_used and "password" in allowed:
            self._password_used = True
            yield lambda transport: self._password(transport, password)
        elif "keyboard-interactive" in allowed and ("password" not in allowed or self._password_used):
            yield self._interactive
        if keys and password is not None:
            yield lambda transport: self._keys(transport, explicit=False, others=True)

    def _keys(self, transport: paramiko.Transport, *, explicit: bool, others: bool) -> list[str] | None:
        with agent_keys(self.identity_agent) as agent:
            for offered, (name, key) in enumerate(self._candidates(agent, explicit=explicit, others=others)):
                if offered == MAX_KEYS:
                    self._tried.append("no more keys, since servers hang up after six attempts")
                    break
                self._tried.append(name)
                try:
                    return list(transport.auth_publickey(self.user, key))
                except paramiko.AuthenticationException:
                    if not transport.is_active():
                        raise
        return None

    def _candidates(
        self, agent: Sequence[AgentKey], *, explicit: bool, others: bool
    ) -> Iterator[tuple[str, paramiko.PKey]]:
        by_blob = {key.asbytes(): key for key in agent}
        used = set()
        for identity in self.identities:
            public = public_part(identity.path)
            held = by_blob.get(public) if public else None
            wanted = explicit if identity.explicit else others
            if held is not None and (wanted or identity.explicit):
                used.add(held.asbytes())
            if wanted and identity.explicit:
                yield from self._from_file(identity, held)
        if not others:
            return
        if not self.identities_only:
            for key in agent:
                if key.asbytes() not in used:
                    used.add(key.asbytes())
                    yield f"agent key {key.comment or key.get_name()}", key
        for identity in self.identities:
            public = public_part(identity.path)
            if not identity.explicit and (public is None or public not in used or self.identities_only):
                yield from self._from_file(identity, by_blob.get(public) if public else None)

    def _from_file(self, identity: Identity, held: AgentKey | None) -> Iterator[tuple[str, paramiko.PKey]]:
        if held is not None:
            yield f"key {identity.path} by the agent", held
            return
        try:
            key = load_identity(identity, self.secrets, self.host)
        except SecretNeeded as needed:
            self._tried.append(f"key {identity.path}, without its passphrase")
            self._locked = self._locked or needed
            self._locked_explicit = self._locked_explicit or identity.explicit
            return
        if key is not None:
            yield f"key {identity.path}", key

    def _password(self, transport: paramiko.Transport, password: str) -> list[str] | None:
        self._tried.append("the password, once")
        try:
            return list(transport.auth_password(self.user, password, fallback=False))
        except paramiko.BadAuthenticationType:
            return None
        except paramiko.AuthenticationException as error:
            if "timeout" in str(error).lower():
                raise
            self.secrets.forget(self.host, SecretKind.PASSWORD)
            raise self._wrong_password() from None

    def _interactive(self, transport: paramiko.Transport) -> list[str] | None:
        self._tried.append("keyboard-interactive")
        dialogue = Dialogue(self.host, self.user, self.server, self.secrets)
        try:
            return list(transport.auth_interactive(self.user, dialogue.answer))
        except paramiko.BadAuthenticationType:
            return None
        except paramiko.AuthenticationException as error:
            if "timeout" in str(error).lower():
                raise
            if not dialogue.answered:
                return None
            dialogue.forget_answers()
            raise self._wrong_password() from None

    def _wrong_password(self) -> AuthenticationFailed:
        return AuthenticationFailed(
            f"{self.server} refuses the password of {self.user}",
            host=self.host,
            tried=", ".join(self._tried),
            meaning="nothing was done on the host; it is not tried again by itself, since accounts lock",
            remedy="check user name and password, then connect again",
        )

    def _refused(self, allowed: Sequence[str]) -> AuthenticationFailed:
        return AuthenticationFailed(
            f"{self.server} does not let {self.user} in",
            host=self.host,
            tried=", ".join(self._tried) or "nothing, as there was no key to offer",
            remedy=f"it accepts: {', '.join(allowed)}. Supply `identity`, an agent or a password that fits",
        )

    def _broken(self, error: Exception) -> RemoteError:
        hung_up = isinstance(error, EOFError) or "EOF" in str(error) or "No existing session" in str(error)
        return AuthenticationFailed(
            f"{self.server} ended the connection during login"
            if hung_up
            else f"the login to {self.server} failed: {error}",
            host=self.host,
            tried=", ".join(self._tried) or "to start the login",
            remedy="too many keys may have been offered: name the right one as `identity` and set IdentitiesOnly, "
            "or the account may be locked: see the host's authentication log",
        )


@dataclass(slots=True)
class Dialogue:
    """Answers a keyboard-interactive server: the password to a password prompt, a one-time code to any other, each once."""

    host: str
    user: str
    server: str
    secrets: Secrets
    _used: set[SecretKind] = field(default_factory=set)

    def answer(self, title: str, instructions: str, prompts: Sequence[tuple[str, bool]]) -> list[str]:
        """The answers to `prompts`; none to none. Raises SecretNeeded, AuthenticationFailed."""
        return [self._one(text, instructions) for text, _ in prompts]

    def _one(self, prompt: str, instructions: str) -> str:
        text = prompt.strip().rstrip(":").strip() or "an answer"
        password = bool(_PASSWORD_PROMPT.search(prompt)) and not re.search(
            r"one.?time|otp|token", prompt, re.IGNORECASE
        )
        if password and _NEW_PASSWORD.search(prompt):
            raise AuthenticationFailed(
                f"{self.server} wants {self.user} to change the password first",
                host=self.host,
                tried=f"keyboard-interactive; it asked: {text}",
                remedy="log in once with ssh and change it",
            )
        kind = SecretKind.PASSWORD if password else SecretKind.CHALLENGE
        known = self.secrets.of_host(self.host, kind)
        if kind in self._used:
            self.secrets.forget(self.host, kind)
            raise AuthenticationFailed(
                f"{self.server} asks again for “{text}”: the answer was wrong",
                host=self.host,
                tried="keyboard-interactive, each answer once",
                remedy="check it, then connect again",
            )
        if known is None:
            raise SecretNeeded(self.host, kind, f"{text} ({self.user} on {self.server})")
        self._used.add(kind)
        if kind is SecretKind.CHALLENGE:
            self.secrets.forget(self.host, kind)
        return known

    @property
    def answered(self) -> bool:
        """Whether any secret was given."""
        return bool(self._used)

    def forget_answers(self) -> None:
        """Drop what the server has refused."""
        for kind in self._used:
            self.secrets.forget(self.host, kind)
