"""Messages by e-mail: plain text over SMTP with TLS, logged in where user and password are set."""

from __future__ import annotations

import ipaddress
import logging
import os
import smtplib
import ssl
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from urllib.parse import urlsplit

from feedpub.alarms import wording
from feedpub.alarms.memory import Message
from feedpub.config import Config
from feedpub.errors import DeliveryError
from feedpub.logs import fields

log = logging.getLogger("feedpub.alarms")

TIMEOUT_SECONDS = 15.0
_PORTS = {"smtp": 25, "smtps": 465}


def send(config: Config, messages: Sequence[Message], now: datetime) -> None:
    """One mail with all of them to everybody.

    Raises:
        DeliveryError: the mail server did not take it for anybody.
    """
    mail = _mail(config, messages, now)
    try:
        with _connected(config) as server:
            refused = server.send_message(mail)
    except (OSError, ValueError, smtplib.SMTPException) as error:
        raise DeliveryError(f"the mail server did not take the message ({_reason(error)})") from error
    if refused:
        # No reason to try again: the others would get it twice.
        log.error("mail not taken for some  %s", fields(refused=sorted(refused)))


def _mail(config: Config, messages: Sequence[Message], now: datetime) -> EmailMessage:
    alarms = config.alarms
    sender = alarms.mail_from or alarms.mail_to[0]
    mail = EmailMessage()
    mail["Subject"] = "".join(char for char in wording.subject(config, messages) if char.isprintable())
    mail["From"] = sender
    mail["To"] = ", ".join(alarms.mail_to)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = make_msgid(domain=sender.rpartition("@")[2])
    mail["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday notes in answer to it
    # Lone surrogates, from names of files that are no text, cannot be sent.
    mail.set_content(wording.text(config, messages, now).encode("utf-8", "replace").decode())
    return mail


def _connected(config: Config) -> smtplib.SMTP:
    address = urlsplit(config.alarms.smtp)
    host = address.hostname or "localhost"
    port = address.port or _PORTS[address.scheme]
    if address.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(
            host, port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context()
        )
    else:
        server = smtplib.SMTP(host, port, timeout=TIMEOUT_SECONDS)
    try:
        if address.scheme == "smtp" and not is_this_machine(host):
            # Raises where the server has no STARTTLS: nothing, and no password, goes out in the open.
            server.starttls(context=ssl.create_default_context())
        user = os.environ.get(config.alarms.smtp_user_env, "")
        if user:
            server.login(user, os.environ.get(config.alarms.smtp_password_env, ""))
    except BaseException:
        server.close()
        raise
    return server


def is_this_machine(host: str) -> bool:
    """Whether what is sent to `host` does not leave the machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return f"the login was refused with code {error.smtp_code}"  # its text may repeat what was sent
    if isinstance(error, smtplib.SMTPResponseException):
        said = error.smtp_error
        return f"{error.smtp_code} {said.decode('utf-8', 'replace') if isinstance(said, bytes) else said}"
    return f"{type(error).__name__}: {error}"
