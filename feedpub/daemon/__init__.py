"""The daemon: the same refresh as `feedpub publish` on a timer, for years, unattended."""

from feedpub.daemon.clock import Clock
from feedpub.daemon.service import run
from feedpub.daemon.timer import Timer

__all__ = ["Clock", "Timer", "run"]
