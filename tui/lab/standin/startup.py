"""What a configured connector does before it meets the hub: ticket, config.json, certificate, publication."""

from __future__ import annotations

import contextlib
import os

from .certificates import decrypt_password, encrypt_password, generate_pair, thumbprint
from .environment import hostname, log, on_windows
from .ldap import Directory, LdapError
from .settings import Settings
from .web import WebError, request


def take_ticket(settings: Settings, ticket: str) -> int | None:
    """Read the ticket and merge it into config.json; an exit status when the connector must end here."""
    log(f"Loading settings from ticket: {ticket}/info", "blue")
    try:
        answer = request(f"{ticket}/info")
    except WebError as error:
        log(f"Unable to reach Auth0: {error}", "red")
        return 2
    if answer.status == 404:
        log("Wrong ticket. Does this connection still exist?", "red")
        return 1
    info = answer.document()
    if answer.status != 200 or "adHub" not in info:
        log(f"Unable to reach Auth0: unexpected answer {answer.status}", "red")
        return 2
    anonymous = anonymous_search(settings)
    log(f"Is Anonymous LDAP search enabled? {'yes' if anonymous else 'no'}")
    values = settings.values
    realm = str(info["realm"]["name"])
    values.update(
        AD_HUB=info["adHub"],
        CONNECTION=info["connectionName"],
        CLIENT_CERT_AUTH=info["certAuth"],
        KERBEROS_AUTH=info["kerberos"],
        REALM=realm,
        WSFED_ISSUER=info["connectionDomain"],
        ANONYMOUS_SEARCH_ENABLED=anonymous,
        TENANT_SIGNING_KEY=signing_key(ticket),
    )
    values[realm] = info["realm"]["postTokensTo"]
    values.setdefault("SERVER_URL", f"http://{hostname()}:{settings.text('PORT', '4000')}")
    if on_windows():
        values["FIREWALL_RULE_CREATED"] = True
    settings.save()
    log("Local settings updated.", "green")
    return None


def signing_key(ticket: str) -> str:
    """The tenant's public signing key; empty when it cannot be read."""
    try:
        return request("/".join(ticket.split("/")[:3]) + "/pem").body.decode("ascii", "replace")
    except WebError:
        return ""


def anonymous_search(settings: Settings) -> bool:
    """Whether the directory answers a search without a bind."""
    try:
        directory = Directory(settings.text("LDAP_URL"))
    except OSError:
        return False
    with contextlib.closing(directory):
        try:
            return bool(directory.search(settings.text("LDAP_BASE"), "(objectClass=*)", limit=1))
        except (OSError, LdapError):
            return False


def ensure_certificate(settings: Settings) -> None:
    """Keep a complete pair; overwrite anything less with a new one."""
    if settings.certificate_file("cert.pem") is not None and settings.certificate_file("cert.key") is not None:
        log("Certificates already exist, skipping certificate generation.")
        return
    log("Generating a self-signed certificate", "yellow")
    certificate, key = generate_pair(f"{settings.text('CONNECTION')}.{hostname()}")
    os.makedirs(settings.certificate_path(""), exist_ok=True)
    for name, data in (("cert.pem", certificate), ("cert.key", key)):
        with open(settings.certificate_path(name), "wb") as file:
            os.fchmod(file.fileno(), 0o644)
            file.write(data)


def encrypt_plain_password(settings: Settings) -> None:
    """Replace a plaintext password in config.json by its encrypted form."""
    plain = settings.values.get("LDAP_BIND_PASSWORD")
    key = settings.certificate_file("cert.key")
    if plain and key:
        settings.values["LDAP_BIND_CREDENTIALS"] = encrypt_password(str(plain), key)
        del settings.values["LDAP_BIND_PASSWORD"]
        settings.save()


def publish(settings: Settings, ticket: str) -> int | None:
    """Post this instance's certificate to the ticket: the last writer wins. An exit status when it failed."""
    endpoint = f"{settings.text('SERVER_URL')}/wsfed"
    log(f"Posting certificates and signInEndpoint: {endpoint}", "blue")
    certificate = settings.certificate_file("cert.pem") or b""
    try:
        own = thumbprint(certificate)
        document = {"certs": [certificate.decode("ascii", "replace")], "signInEndpoint": endpoint}
        answer = request(f"{ticket}/info", body=document)
    except (WebError, ValueError) as error:
        log(f"Unable to reach Auth0: {error}", "red")
        return 2
    if answer.status != 200:
        log(f"Unexpected status while configuring connection: {answer.status}", "red")
        return 2
    settings.values["LAST_SENT_THUMBPRINT"] = own
    settings.save()
    log(f"Connection {settings.text('CONNECTION')} configured.", "green")
    return None


def bind_password(settings: Settings) -> str:
    """The LDAP password in clear. Raises ValueError when cert.key is not the key that it was encrypted with."""
    credentials = settings.text("LDAP_BIND_CREDENTIALS")
    if not credentials:
        return settings.text("LDAP_BIND_PASSWORD")
    return decrypt_password(credentials, settings.certificate_file("cert.key") or b"")
