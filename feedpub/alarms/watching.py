"""One look after the other: observe, check, tell what is new, and write down what was told."""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from feedpub import observing
from feedpub.alarms import memory, rules
from feedpub.alarms.delivery import Outcome, channels, through
from feedpub.config import Config
from feedpub.logs import fields

log = logging.getLogger("feedpub.alarms")

LEAST = timedelta(seconds=10)
"""Between two looks of `start`."""
LOCK_NAME = "alarms.lock"

_at_work = threading.Lock()
_last: dict[str, datetime] = {}
_unwritten: dict[str, memory.Memory] = {}
"""What could not be written down, by state folder: a disk that is full is told of once, too."""


def start(config: Config, now: datetime, damaged: Sequence[str] = ()) -> None:
    """Look once in a thread of its own, unless one is at work or has just been."""
    last = _last.get(str(config.state))
    if (last is not None and abs(now - last) < LEAST) or not _at_work.acquire(blocking=False):
        return
    _last[str(config.state)] = now
    try:
        # A thread that is in the middle of sending does not hold up the end of the process.
        threading.Thread(
            target=_look, args=(config, now, damaged), name="feedpub-alarms", daemon=True
        ).start()
    except RuntimeError as error:  # no more threads
        _at_work.release()
        log.error("alarms not looked at  %s", fields(error=error))


def _look(config: Config, now: datetime, damaged: Sequence[str]) -> None:
    try:
        once(config, now, damaged)
    except Exception as error:
        log.error("alarms not looked at  %s", fields(error=error), exc_info=True)
    finally:
        _at_work.release()


def once(config: Config, now: datetime, damaged: Sequence[str] = ()) -> list[Outcome]:
    """Look, and tell through every channel what is new; nothing if another process is just doing it.

    What was told and cannot be written down only this process remembers.
    """
    with _alone(config) as alone:
        if not alone:
            return []
        found = rules.check(config, observing.observe(config, now, damaged))
        ways = channels(config)
        before = _unwritten.get(str(config.state)) or memory.read(config.state)
        known = memory.updated(before, found, ways.keys(), now)
        _note(before, known)
        outcomes = []
        if known != before or str(config.state) in _unwritten:
            _write(config, known)
        for name, send in ways.items():
            messages = memory.due(known, name, now)
            if not messages:
                continue
            outcome = through(config, name, send, messages, now)
            known = (
                memory.refused(known, name, now)
                if outcome.failure
                else memory.delivered(known, name, messages, now)
            )
            # At once: what was told must not be told again because another channel hangs.
            _write(config, known)
            _tell(outcome, known)
            outcomes.append(outcome)
        return outcomes


def _write(config: Config, known: memory.Memory) -> None:
    try:
        memory.write(config.state, known)
    except OSError as error:
        if str(config.state) not in _unwritten:  # once is enough: it is tried at every look
            log.error("alarms not written down  %s", fields(error=error))
        _unwritten[str(config.state)] = known
    else:
        _unwritten.pop(str(config.state), None)


def _note(before: memory.Memory, now: memory.Memory) -> None:
    for key in now.entries.keys() - before.entries.keys():
        log.warning("alarm begun  %s", fields(key=key, message=now.entries[key].alarm.message))


def _tell(outcome: Outcome, known: memory.Memory) -> None:
    if outcome.failure is None:
        log.info("alarms told  %s", fields(channel=outcome.channel, messages=len(outcome.messages)))
        return
    trouble = known.troubles[outcome.channel]
    log.error(
        "alarms not told  %s",
        fields(
            channel=outcome.channel,
            failures=trouble.failures,
            retry_at=trouble.retry_at.isoformat(timespec="seconds"),
            error=outcome.failure,
        ),
    )


@contextlib.contextmanager
def _alone(config: Config) -> Iterator[bool]:
    """Be the only one that tells the alarms of this newsroom, if nobody else does."""
    try:
        config.state.mkdir(parents=True, exist_ok=True)
        handle = os.open(config.state / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError:  # a disk that is full or read-only is what there is to be told
        yield True
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
    finally:
        os.close(handle)
