"""Articles for tests: Markdown with front matter, with as much of it as a test names."""

from __future__ import annotations

from typing import Any

BODY = (
    "The harbour council agreed on Tuesday to repair the swing bridge before the winter storms.\n\n"
    "Work begins in October and will take six weeks, the harbour master told the meeting."
)


def markdown(title: str | None = "Bridge to be repaired", body: str = BODY, **front: Any) -> str:
    """One Markdown article; further keys go into its front matter as they are."""
    keys = {**({"title": title} if title else {}), "date": "2025-09-01", **front}
    lines = [f"{key}: {value}" for key, value in keys.items() if value is not None]
    return "---\n" + "\n".join(lines) + f"\n---\n\n{body}\n"


CONCERT = """\
---
type: event
title: Quayside concert
start: 2026-12-05T19:30
location: Old Customs House
---

The town band plays on the quay.
"""
