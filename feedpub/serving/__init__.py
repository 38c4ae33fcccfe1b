"""The server: what is published, over HTTP, for those who have no web server of their own.

It shares nothing with the publisher but files, so that either may be stopped while the other runs.
"""

from feedpub.serving.app import build_app, run

__all__ = ["build_app", "run"]
