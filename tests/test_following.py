"""What services and calendars follow: the changes feed, calendars, sitemaps, each as time goes on."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from feedpub import history, sitefiles
from feedpub.config import FeedConfig
from tests.articles import CONCERT, markdown
from tests.conftest import NOW, Newsroom
from tests.followers import ChangesFollower, appointments, news_of, served, sitemap_addresses

SITE = "https://news.example/"
DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)


def changes(newsroom: Newsroom) -> list[dict[str, Any]]:
    """Every line of the changes feed."""
    index = json.loads(newsroom.read("changes.json"))
    lines: list[dict[str, Any]] = []
    for number in range(1, index["files"] + 1):
        path = index["template"].format(group=(number - 1) // 100, number=number).removeprefix(SITE)
        lines += map(json.loads, newsroom.read(path).decode().splitlines())
    assert len(lines) == index["count"] == index["sequence"]
    return lines


def headlines(follower: ChangesFollower) -> dict[str, str]:
    """What a follower holds: headline or name → text or start."""
    return {
        record.get("headline") or record["name"]: record.get("articleBody") or record["startDate"]
        for record in follower.held.values()
    }


# -- changes


def test_a_follower_has_just_the_live_records_at_each_moment(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "GRAIN", 10)
    monkeypatch.setattr(sitefiles, "DUMP_SIZE", 10)
    monkeypatch.setattr(sitefiles, "CHANGES_SIZE", 10)
    text = {number: f"Text {number}, first version." for number in range(1, 25)}

    def write(number: int) -> None:
        newsroom.write(f"{number}.md", markdown(f"Report {number}", text[number]))

    for number in text:
        write(number)
    newsroom.write("concert.md", CONCERT)
    newsroom.publish()
    early = ChangesFollower(served(newsroom.output, SITE), SITE)
    followers = [early]
    early.poll()
    expected = {f"Report {number}": said for number, said in text.items()} | {
        "Quayside concert": "2026-12-05T19:30"
    }
    assert headlines(early) == expected
    assert [line["sequence"] for line in changes(newsroom)] == [*range(1, 26)]

    for number in (7, 21):
        text[number] = f"Text {number}, second version."
        write(number)
        expected[f"Report {number}"] = text[number]
    (newsroom.articles / "12.md").unlink()
    del expected["Report 12"]
    newsroom.publish(now=NOW + DAY)
    early.poll()
    followers.append(ChangesFollower(served(newsroom.output, SITE), SITE))
    followers[-1].poll()
    assert [headlines(follower) for follower in followers] == [expected] * 2
    assert early.fetched == 2

    newsroom.write("12.md", markdown("Report 12", "Text 12 is back."))
    newsroom.write("7.md", markdown("Report 7", text[7], slug="seven"))  # it moves, says the same
    newsroom.write("concert.md", CONCERT.replace("2026-12-05", "2026-12-06"))
    expected |= {"Report 12": "Text 12 is back.", "Quayside concert": "2026-12-06T19:30"}
    newsroom.publish(now=NOW + 2 * DAY)
    for follower in followers:
        follower.poll()
        assert headlines(follower) == expected
        (seventh,) = (r for r in follower.held.values() if r.get("headline") == "Report 7")
        assert "/seven-" in seventh["url"]
    (newsroom.articles / "concert.md").unlink()
    del expected["Quayside concert"]
    newsroom.publish(now=NOW + 3 * DAY)
    for follower in followers:
        follower.poll()
        assert headlines(follower) == expected
    assert [(line["change"], line["type"]) for line in changes(newsroom)[-1:]] == [("deleted", "Event")]


@pytest.mark.parametrize("lost", ["store", "store and output"])
def test_numbers_never_skip_or_repeat_also_when_the_store_is_made_anew(newsroom: Newsroom, lost: str) -> None:
    for number in range(1, 31):
        newsroom.write(f"{number}.md", markdown(f"Report {number}", f"Text {number}."))
    newsroom.publish()
    newsroom.write("3.md", markdown("Report 3", "Another text."))
    (newsroom.articles / "4.md").unlink()
    newsroom.publish(now=NOW + DAY)
    before = changes(newsroom)
    follower = ChangesFollower(served(newsroom.output, SITE), SITE)
    follower.poll()
    for path in newsroom.config.state.glob("store*"):
        path.unlink()
    if lost == "store and output":
        newsroom.output.rename(newsroom.root / "gone")
    newsroom.write("31.md", markdown("Report 31", "Text 31."))
    newsroom.publish(now=NOW + 2 * DAY)
    after = changes(newsroom)
    assert after[: len(before)] == before
    assert [(line["sequence"], line["change"]) for line in after[len(before) :]] == [(33, "added")]
    follower.poll()
    assert len(follower.held) == 30
    assert follower.sequence == 33


def test_a_full_page_of_changes_never_changes(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sitefiles, "CHANGES_SIZE", 20)
    for number in range(1, 26):
        newsroom.write(f"{number}.md", markdown(f"Report {number}", f"Text {number}."))
    newsroom.publish()
    first = newsroom.read("changes/0/changes-1.ndjson")
    assert (first.count(b"\n"), newsroom.read("changes/0/changes-2.ndjson").count(b"\n")) == (20, 5)
    newsroom.write("1.md", markdown("Report 1", "Another text."))
    newsroom.publish(now=NOW + DAY)
    assert newsroom.read("changes/0/changes-1.ndjson") == first
    for number in range(1, 26):  # wherever these stand now, and whatever they are
        changed = markdown(
            f"Report {number}", f"Text {number}.", slug=f"new-{number}", type="OpinionNewsArticle"
        )
        newsroom.write(f"{number}.md", changed)
    newsroom.publish(now=NOW + 2 * DAY)
    assert newsroom.read("changes/0/changes-1.ndjson") == first
    before = newsroom.files()
    newsroom.publish(now=NOW + 2 * DAY, rebuild=True)
    assert newsroom.files() == before


# -- calendars


def shown(newsroom: Newsroom, path: str = "events.ics") -> dict[str, tuple[str, bool, int]]:
    """Name → start, whether it is cancelled, SEQUENCE."""
    found = appointments(newsroom.read(path))
    assert len({a.name for a in found.values()}) == len(found)
    return {a.name: (a.start, a.cancelled, a.sequence) for a in found.values()}


def event(name: str, start: str, status: str = "scheduled") -> str:
    return f"---\ntype: event\ntitle: {name}\nstart: {start}\nstatus: {status}\nlocation: Old Quay\n---\n\nCome.\n"


def test_the_sequence_of_an_event_rises_with_each_change_and_with_nothing_else(newsroom: Newsroom) -> None:
    start = "2025-10-05T19:30+00:00"
    newsroom.write("concert.md", event("Concert", start))
    newsroom.write("other.md", markdown())
    newsroom.publish()
    assert shown(newsroom) == {"Concert": ("2025-10-05T19:30", False, 0)}
    newsroom.write("report.md", markdown("A concert", event=f"{{name: Concert, start: {start}}}"))
    newsroom.publish(now=NOW + DAY)  # somebody reports it besides: nothing new of the event itself
    assert shown(newsroom) == {"Concert": ("2025-10-05T19:30", False, 0)}
    later = "2025-10-07T19:30+00:00"
    newsroom.write("concert.md", event("Concert", later, "rescheduled"))
    newsroom.publish(now=NOW + 2 * DAY)
    assert shown(newsroom) == {"Concert": ("2025-10-07T19:30", False, 1)}
    newsroom.write("concert.md", event("Concert", later, "cancelled"))
    newsroom.publish(now=NOW + 3 * DAY)
    assert shown(newsroom) == {"Concert": ("2025-10-07T19:30", True, 2)}
    (newsroom.articles / "concert.md").unlink()
    (newsroom.articles / "report.md").unlink()
    newsroom.publish(now=NOW + 4 * DAY)
    assert shown(newsroom) == {"Concert": ("2025-10-07T19:30", True, 3)}
    newsroom.write("concert.md", event("Concert", later))
    newsroom.publish(now=NOW + 5 * DAY)
    ((begin, cancelled, sequence),) = shown(newsroom).values()
    assert (begin, cancelled) == ("2025-10-07T19:30", False)
    assert sequence > 3
    before = newsroom.files()
    newsroom.publish(now=NOW + 5 * DAY, rebuild=True)
    assert newsroom.files() == before


@pytest.mark.parametrize("gone", [False, True], ids=["as it was planned", "withdrawn"])
def test_an_event_leaves_the_calendar_so_many_days_after_its_end(newsroom: Newsroom, gone: bool) -> None:
    newsroom.configure(feeds=(FeedConfig(event_days=10),))
    concert = event("Concert", "2025-09-05T19:30+00:00").replace(
        "status", "end: 2025-09-05T22:00+00:00\nstatus"
    )
    newsroom.write("concert.md", concert)
    newsroom.write("later.md", event("Fair", "2025-12-01T10:00+00:00"))
    newsroom.write("other.md", markdown())
    newsroom.publish()
    if gone:
        (newsroom.articles / "concert.md").unlink()
        newsroom.publish(now=NOW + DAY)
        assert shown(newsroom)["Concert"] == ("2025-09-05T19:30", True, 1)
    end = datetime(2025, 9, 15, 22, 1, tzinfo=UTC)  # known to the minute, it is over when the minute is
    report = newsroom.publish(now=end - SECOND)
    assert set(shown(newsroom)) == {"Concert", "Fair"}
    assert report.next_due_at == end
    report = newsroom.publish(now=end)
    assert set(shown(newsroom)) == {"Fair"}
    assert "events.ics" in report.written
    ids = {node.get("name") for node in json.loads(newsroom.read("events.jsonld"))["@graph"]}
    assert "Concert" not in ids


def test_each_withdrawn_event_has_its_own_file_cancelled(newsroom: Newsroom) -> None:
    newsroom.write("concert.md", event("Concert", "2025-10-05T19:30+00:00"))
    newsroom.write("other.md", markdown())
    newsroom.publish()
    (path,) = (path for path in newsroom.files() if path.startswith("events/") and path.endswith(".ics"))
    (newsroom.articles / "concert.md").unlink()
    newsroom.publish(now=NOW + DAY)
    assert shown(newsroom, path) == {"Concert": ("2025-10-05T19:30", True, 1)}


# -- sitemaps


def test_sitemaps_list_every_live_page_of_our_own_once(newsroom: Newsroom) -> None:
    for number in range(1, 11):
        newsroom.write(f"{number}.md", markdown(f"Report {number}", f"Text {number}."))
    newsroom.write("elsewhere.md", markdown("Elsewhere", canonical_url="https://partner.example/story"))
    newsroom.write("moved.md", markdown("Moved"))
    newsroom.write("concert.md", CONCERT)
    newsroom.publish()
    (newsroom.articles / "3.md").unlink()
    newsroom.write("moved.md", markdown("Moved", slug="elsewhere-now"))
    newsroom.publish(now=NOW + DAY)
    manifests = [json.loads(c) for p, c in newsroom.files().items() if p.endswith("manifest.json")]
    files = {path: entry for manifest in manifests for path, entry in manifest["files"].items()}
    pages = [
        f"{SITE}{path}" for path, entry in files.items()
        if path.endswith(".html") and path.startswith(("articles/", "events/")) and "status" not in entry
    ]  # fmt: skip
    assert len(pages) == 9 + 1 + 1
    assert sorted(sitemap_addresses(served(newsroom.output, SITE), SITE)) == sorted(pages)
    newsroom.write("3.md", markdown("Report 3", "Text 3."))
    newsroom.publish(now=NOW + 2 * DAY)
    assert len(sitemap_addresses(served(newsroom.output, SITE), SITE)) == 12


def test_an_article_is_news_for_just_48_hours(newsroom: Newsroom) -> None:
    newsroom.configure(site=replace(newsroom.config.site, language="en"))
    at = datetime(2025, 9, 3, 7, 0, tzinfo=UTC)
    newsroom.write("first.md", markdown("First", "One text.", date=at.isoformat()))
    newsroom.write("second.md", markdown("Second", "Another.", date=(at + 5 * HOUR).isoformat()))
    report = newsroom.publish()  # at 08:00

    def news() -> list[str]:
        return list(news_of(newsroom.read("sitemap-news.xml")).values())

    assert news() == ["First"]
    assert report.next_due_at == at + 5 * HOUR
    newsroom.publish(now=at + 5 * HOUR - SECOND)
    assert news() == ["First"]
    report = newsroom.publish(now=at + 5 * HOUR)
    assert news() == ["Second", "First"]
    assert report.next_due_at == at + 48 * HOUR
    newsroom.publish(now=at + 48 * HOUR - SECOND)
    assert news() == ["Second", "First"]
    report = newsroom.publish(now=at + 48 * HOUR)
    assert news() == ["Second"]
    assert report.next_due_at == at + 53 * HOUR
    newsroom.publish(now=at + 53 * HOUR)
    assert news() == []
    assert newsroom.read("sitemap-news.xml").count(b"<loc>") == 2  # their addresses stay


def test_withdrawn_news_leaves_and_without_any_address_there_is_no_file(newsroom: Newsroom) -> None:
    newsroom.configure(site=replace(newsroom.config.site, language="en"))
    newsroom.write("first.md", markdown("First", "One text.", date="2025-09-03T07:00:00+00:00"))
    newsroom.publish()
    newsroom.write("first.md", markdown("First", "One text.", date="2025-09-03T07:00:00+00:00", draft="true"))
    report = newsroom.publish(now=NOW + HOUR)
    assert {"sitemap.xml", "sitemap-1.xml", "sitemap-news.xml"} <= set(report.deleted)
    newsroom.write("first.md", markdown("First", "One text.", date="2025-09-03T07:00:00+00:00"))
    newsroom.publish(now=NOW + 2 * HOUR)
    assert list(news_of(newsroom.read("sitemap-news.xml")).values()) == ["First"]
    assert len(sitemap_addresses(served(newsroom.output, SITE), SITE)) == 1
