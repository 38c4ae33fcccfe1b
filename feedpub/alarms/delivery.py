"""The channels, and messages through them: what one refuses does not hold up the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from feedpub.alarms import mail, webhook, wording
from feedpub.alarms.memory import Message
from feedpub.config import Config
from feedpub.errors import DeliveryError
from feedpub.logs import told

Send = Callable[[Config, Sequence[Message], datetime], None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of messages to one channel ("webhook", "mail"). `failure` None: it took them."""

    channel: str
    messages: tuple[Message, ...]
    failure: str | None = None


def channels(config: Config) -> Mapping[str, Send]:
    """The channels that are configured, by name."""
    found: dict[str, Send] = {}
    if config.alarms.webhook is not None:
        found["webhook"] = webhook.send
    if config.alarms.mail_to:
        found["mail"] = mail.send
    return found


def through(config: Config, channel: str, send: Send, messages: Sequence[Message], now: datetime) -> Outcome:
    """Messages through one channel; whatever goes wrong is in the outcome."""
    try:
        send(config, messages, now)
    except DeliveryError as error:
        return Outcome(channel, tuple(messages), str(error))
    except Exception as error:
        return Outcome(channel, tuple(messages), told(error))
    return Outcome(channel, tuple(messages))


def test(config: Config, now: datetime) -> list[Outcome]:
    """A test message through every channel."""
    message = wording.test_message(now)
    return [through(config, name, send, [message], now) for name, send in channels(config).items()]
