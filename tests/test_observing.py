"""What there is to see of a newsroom: from the store, the daemon's file and lock, the output and the configuration."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from feedpub import cadence, daemonstate
from feedpub.config import Alarms, FeedConfig, Where
from feedpub.daemon.lock import OnlyOne
from feedpub.daemonstate import DaemonState, JobState
from feedpub.heartbeat import heartbeat
from feedpub.observation import Observation
from feedpub.observing import observe
from feedpub.store import open_store
from tests.articles import CONCERT, markdown
from tests.conftest import NOW, Newsroom

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
BAD = "---\ntitle: Bridge\ndate: 2025-02-30\n---\n\nThe bridge opened on Tuesday after four years.\n"


def seen(newsroom: Newsroom, after: timedelta = HOUR) -> Observation:
    return observe(newsroom.config, NOW + after)


def say(newsroom: Newsroom, *jobs: JobState) -> None:
    newsroom.config.state.mkdir(exist_ok=True)
    daemonstate.write(newsroom.config.state, DaemonState(1, "here", NOW, NOW, jobs))


def test_a_newsroom_that_has_published_nothing_can_be_looked_at_and_stays_so(newsroom: Newsroom) -> None:
    found = seen(newsroom)
    assert (found.store, found.daemon.word, found.articles, found.runs) == ("none", "never", 0, ())
    assert [(source.name, source.standing.word) for source in found.sources] == [("articles", "never")]
    assert not newsroom.config.state.exists()
    assert not newsroom.output.exists()


def test_what_is_published_and_held_is_counted(newsroom: Newsroom) -> None:
    newsroom.write("one.md", markdown("Bridge opens"))
    newsroom.write("concert.md", CONCERT)
    newsroom.write("bad.md", BAD)
    report = newsroom.publish()
    found = seen(newsroom)
    assert (found.store, found.articles, found.events, found.held_count) == ("ready", 1, 1, 1)
    assert [held.place for held in found.held] == ["bad.md"]
    (source,) = found.sources
    assert (source.documents, source.held) == (2, 1)
    assert (source.last_success_at, source.changed_at, source.failure) == (NOW, NOW, None)
    assert [(day.on.isoformat(), day.new, day.held) for day in source.days] == [("2025-09-03", 2, 1)]
    (feed,) = found.feeds
    assert (feed.title, feed.entries, feed.changed_at) == ("Test News", 2, NOW)  # the DataFeed has both
    assert [run["articles"] for run in found.runs] == [report.articles]
    files = [path for path in newsroom.output.rglob("*") if path.is_file()]
    assert 0 < found.output_bytes <= sum(path.stat().st_size for path in files)
    assert found.disk is not None
    assert 0 < found.disk.free_bytes <= found.disk.total_bytes


def test_a_source_that_fails_says_so_with_its_reason_while_another_is_fresh(newsroom: Newsroom) -> None:
    newsroom.write("one.md", markdown())
    agency = replace(newsroom.config.sources[0], name="agency", path=newsroom.root / "agency")
    (newsroom.root / "agency").mkdir()
    (newsroom.root / "agency" / "a.md").write_text(
        markdown("Ferry sails", body="The ferry sailed with forty guests.")
    )
    newsroom.configure(sources=(*newsroom.config.sources, agency))
    newsroom.publish()
    (newsroom.root / "agency").rename(newsroom.root / "elsewhere")
    newsroom.publish(now=NOW + HOUR)
    articles, agency_view = seen(newsroom).sources
    assert (articles.standing.word, agency_view.standing.word) == ("fresh", "failing")
    assert agency_view.failure is not None
    assert "agency" in agency_view.standing.text
    assert (agency_view.last_success_at, agency_view.last_failure_at) == (NOW, NOW + HOUR)


def test_an_emptied_folder_is_not_called_quiet(newsroom: Newsroom) -> None:
    newsroom.write("one.md", markdown()).touch()
    newsroom.publish()
    (newsroom.articles / "one.md").unlink()
    newsroom.publish(now=NOW + HOUR)
    (source,) = seen(newsroom).sources
    assert source.standing.word == "incomplete"
    assert "Is it mounted?" in source.standing.text


def test_a_source_that_the_daemon_should_have_read_by_now_is_stale(newsroom: Newsroom) -> None:
    newsroom.write("one.md", markdown())
    newsroom.publish()
    assert seen(newsroom, 47 * HOUR).sources[0].standing.word == "fresh"  # nobody knows when it is to be read
    assert seen(newsroom, 49 * HOUR).sources[0].standing.word == "stale"
    say(newsroom, JobState("articles", "5m", next_at=NOW + timedelta(minutes=5)))
    assert seen(newsroom, timedelta(minutes=14)).sources[0].standing.word == "fresh"
    assert seen(newsroom, timedelta(minutes=16)).sources[0].standing.word == "stale"
    newsroom.configure(alarms=Alarms(stale_after_seconds=6 * 3600))
    assert seen(newsroom, 5 * HOUR).sources[0].standing.word == "fresh"


def test_a_source_that_is_read_on_weekdays_is_not_stale_on_sunday(newsroom: Newsroom) -> None:
    (articles,) = newsroom.config.sources
    weekdays = cadence.parse("cron 0 6 * * 1-5")
    newsroom.configure(sources=(replace(articles, every=weekdays),))
    newsroom.write("one.md", markdown())
    friday = datetime(2025, 9, 5, 6, 0, tzinfo=UTC)
    newsroom.publish(now=friday)
    say(newsroom, JobState("articles", weekdays.text, next_at=friday + 3 * DAY))

    def word(moment: datetime) -> str:
        return observe(newsroom.config, moment).sources[0].standing.word

    assert word(datetime(2025, 9, 7, 20, 0, tzinfo=UTC)) == "fresh"
    assert word(datetime(2025, 9, 8, 11, 59, tzinfo=UTC)) == "fresh"  # Monday, less than six hours late
    assert word(datetime(2025, 9, 8, 12, 1, tzinfo=UTC)) == "stale"


def test_a_store_that_is_set_aside_meanwhile_is_no_error(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.write("one.md", markdown())
    newsroom.publish()

    def gone(*_: object) -> None:
        raise FileNotFoundError

    monkeypatch.setattr("feedpub.store.reading.connect", gone)
    assert seen(newsroom).store in ("none", "unusable")


def test_how_late_a_refresh_is_counts_from_its_deadline_to_its_begin_or_to_now(newsroom: Newsroom) -> None:
    newsroom.write("one.md", markdown())
    newsroom.publish()
    due = NOW + timedelta(minutes=5)
    for job, expected in (
        (JobState("articles", "5m", next_at=due), 120.0),
        (JobState("articles", "5m", next_at=due, running_since=due + timedelta(seconds=3)), 3.0),
        (JobState("articles", "5m", next_at=NOW + HOUR), 0.0),
        (JobState("articles", "5m"), None),
    ):
        say(newsroom, job)
        assert seen(newsroom, timedelta(minutes=7)).sources[0].lag_seconds == expected


def test_a_feed_learns_its_own_cadence_from_the_articles_that_came_into_it(newsroom: Newsroom) -> None:
    newsroom.configure(feeds=(FeedConfig(), FeedConfig(path="world", where=Where(section=("World",)))))
    for day in range(6):
        body = f"The council of the {('first', 'second', 'third', 'fourth', 'fifth', 'sixth')[day]} district met."
        newsroom.write(f"{day}.md", markdown(f"District meeting {day}", body=body, section="World"))
        newsroom.publish(now=NOW + day * DAY)
    newsroom.write("x.md", markdown("Local only", body="A local story of no interest to the world at large."))
    newsroom.publish(now=NOW + 8 * DAY)
    main, world = seen(newsroom, 8 * DAY).feeds
    assert main.standing is not None
    assert world.standing is not None
    assert (main.standing.word, main.standing.quiet_days) == ("fresh", 0)
    assert (world.standing.word, world.standing.text) == ("quiet", "quiet for 3 days, usually every day")


@pytest.mark.parametrize(("version", "word"), [(99, "newer"), (1, "older")])
def test_a_store_of_another_version_is_named_and_nothing_false_is_said(
    newsroom: Newsroom, version: int, word: str
) -> None:
    newsroom.write("one.md", markdown())
    newsroom.publish()
    with open_store(newsroom.config) as store, store.transaction() as transaction:
        transaction.connection.exec_driver_sql(f"UPDATE schema_version SET version = {version}")
    found = seen(newsroom)
    assert found.store == word
    assert [source.standing.word for source in found.sources] == ["unknown"]


def test_a_damaged_store_is_named(newsroom: Newsroom) -> None:
    newsroom.config.state.mkdir()
    (newsroom.config.state / "store.sqlite3").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    found = seen(newsroom)
    assert found.store == "unusable"
    assert "store.sqlite3" in (found.store_text or "")


def test_it_can_be_looked_at_while_a_refresh_is_writing(newsroom: Newsroom) -> None:
    newsroom.write("one.md", markdown())
    newsroom.publish()
    with open_store(newsroom.config) as store, store.transaction() as transaction:
        transaction.connection.exec_driver_sql("DELETE FROM record")
        assert seen(newsroom).articles == 1


# The daemon's lock


def test_a_daemon_that_never_ran_is_told_from_one_that_runs_and_one_that_was_stopped(tmp_path: Path) -> None:
    assert heartbeat(tmp_path).word == "never"
    with OnlyOne(tmp_path, tmp_path / "feeds"):
        running = heartbeat(tmp_path)
        assert (running.word, running.owner) == ("running", f"process {os.getpid()} on {os.uname().nodename}")
        assert heartbeat(tmp_path).word == "running"  # looking took nothing away
    assert heartbeat(tmp_path).word == "stopped"


def test_a_daemon_that_was_killed_is_gone(tmp_path: Path) -> None:
    code = "import sys, pathlib, time\nfrom feedpub.daemon.lock import OnlyOne\n"
    code += f"with OnlyOne(*[pathlib.Path({str(tmp_path)!r})] * 2):\n    print('here', flush=True)\n    time.sleep(60)\n"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"here\n"
        assert heartbeat(tmp_path).word == "running"
        process.kill()
        process.wait()
    assert heartbeat(tmp_path).word == "gone"
    with OnlyOne(tmp_path, tmp_path / "feeds"):
        assert heartbeat(tmp_path).word == "running"
