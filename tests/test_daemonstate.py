"""The file that tells what the daemon is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from feedpub.daemonstate import FILE_NAME, DaemonState, JobState, read, write

AT = datetime(2025, 9, 2, 6, 30, tzinfo=UTC)


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    job = JobState("articles", "5m", next_at=AT, running_since=AT, seconds=0.5, failures=2, failure="gone")
    state = DaemonState(7, "host", AT, AT, (job, JobState("agency", "1h")), due_at=AT)
    state = replace(state, notice="line 3: …", unwatched={"articles": "not there"}, blocked="disk full")
    write(tmp_path, state)
    assert read(tmp_path) == state
    assert state.notices == ("line 3: …", "not there", "disk full")
    assert [path.name for path in tmp_path.iterdir()] == [FILE_NAME]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"jobs": 7}', b'{"jobs": [], "pid": 1}'])
def test_a_damaged_file_says_nothing(tmp_path: Path, content: bytes) -> None:
    assert read(tmp_path) is None
    (tmp_path / FILE_NAME).write_bytes(content)
    assert read(tmp_path) is None
