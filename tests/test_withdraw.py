"""Articles that a person takes down: at once, for good, and where a court asks for it without a trace."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import feedparser
import pytest
from sqlalchemy import select

from feedpub import checking, cli, withdrawal
from feedpub.config import FeedConfig, Publish, Where
from feedpub.errors import ConfigError, PublishError
from feedpub.formats.jsonfeed import JsonFeedFormat
from feedpub.store import open_store, schema
from feedpub.workers import Workers
from tests.articles import BODY, markdown
from tests.conftest import NOW, Newsroom

DAY = timedelta(days=1)
AT = "{http://purl.org/atompub/tombstones/1.0}"
"""RFC 6721."""

SECRET = "Marigold Quimby"
"""A name that stands nowhere but in the article to be purged."""

LONG = " ".join(
    f"The council heard of matter number {number} from {SECRET} at length." for number in range(20)
)

PURGED = f"""\
---
title: Zebracrossing ruling
date: 2025-07-01
author: {SECRET}
section: Courts
tags: [quimbycase]
image: zebracrossing.png
events:
  - name: Quimby hearing
    start: 2026-10-05T19:30
    location: Quimby Hall
  - name: Shared fair
    start: 2026-11-05
    location: Quimby Square
    description: {SECRET} speaks at the fair for a long while.
---

{LONG}
"""

HEADLINE = b"Zebracrossing ruling"

PARTNER = """\
---
title: Fair announced
date: 2025-08-02
section: Courts
events:
  - name: Shared fair
    start: 2026-11-05
    location: Quimby Square
---

The fair will be held in November as it is every year.
"""

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360606060"
    "000000050001a5f645400000000049454e44ae426082"
)


def ids(newsroom: Newsroom, path: str = "feed.xml") -> list[str]:
    return [entry.id for entry in feedparser.parse(newsroom.read(path)).entries]


def titles(newsroom: Newsroom, path: str = "feed.xml") -> list[str]:
    return [entry.title for entry in feedparser.parse(newsroom.read(path)).entries]


def identifier(newsroom: Newsroom, title: str) -> str:
    entries = feedparser.parse(newsroom.read("feed.xml")).entries
    (found,) = (entry.id for entry in entries if entry.title == title)
    return found


def run(newsroom: Newsroom, *arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    code = cli.run(arguments, out, err)
    return code, out.getvalue(), err.getvalue()


def two(newsroom: Newsroom) -> str:
    """Two articles, published; returns the id of the one called Bridge."""
    newsroom.write("bridge.md", markdown("Bridge"))
    newsroom.write("harbour.md", markdown("Harbour", body=f"{BODY}\n\nMore."))
    newsroom.publish()
    return identifier(newsroom, "Bridge")


def test_a_withdrawn_article_is_gone_from_every_form_at_once(newsroom: Newsroom) -> None:
    bridge = two(newsroom)
    outcome = withdrawal.withdraw(newsroom.config, [bridge], now=NOW + DAY)
    (done,) = outcome.withdrawn
    assert (done.id, done.headline, done.place, done.purged) == (bridge, "Bridge", "bridge.md", False)
    assert titles(newsroom) == ["Harbour"]
    (told,) = ElementTree.fromstring(newsroom.read("feed.atom")).iter(f"{AT}deleted-entry")
    assert told.attrib == {"ref": bridge, "when": "2025-09-04T08:00:00Z"}
    assert [item["title"] for item in json.loads(newsroom.read("feed.json"))["items"]] == ["Harbour"]
    nodes = {node["@id"]: node for node in json.loads(newsroom.read("feed.jsonld"))["@graph"]}
    assert bridge not in nodes
    (item,) = (node for node in nodes.values() if node.get("item") == {"@id": bridge})
    assert item["dateDeleted"] == "2025-09-04T08:00:00Z"
    path = done.url.removeprefix("https://news.example/")
    listed = json.loads(newsroom.read("articles/2025/09/manifest.json"))["files"]
    assert listed[path]["status"] == 410
    assert path.replace(".html", ".jsonld") not in newsroom.files()
    for name in ("sitemap-1.xml", "sitemap-news.xml", "index.html", "dump/0/records-1.ndjson"):
        assert path.encode() not in newsroom.read(name)
    change = json.loads(newsroom.read("changes/0/changes-1.ndjson").splitlines()[-1])
    assert change["change"] == "deleted"


def test_it_stays_withdrawn_although_its_source_holds_it(newsroom: Newsroom) -> None:
    bridge = two(newsroom)
    withdrawal.withdraw(newsroom.config, [bridge], now=NOW + DAY)
    before = newsroom.files()
    newsroom.publish(now=NOW + 2 * DAY)
    assert newsroom.files() == before
    newsroom.write("bridge.md", markdown("Bridge, corrected"))
    newsroom.publish(now=NOW + 3 * DAY)
    assert titles(newsroom) == ["Harbour"]
    os.rename(newsroom.articles / "bridge.md", newsroom.articles / "renamed.md")
    newsroom.publish(now=NOW + 4 * DAY)
    newsroom.write("renamed.md", markdown("Bridge, renamed and rewritten", body="All other words."))
    report = newsroom.publish(now=NOW + 5 * DAY)
    assert titles(newsroom) == ["Harbour"]
    assert report.articles == 1


def test_it_stays_withdrawn_when_it_is_deleted_and_comes_back(newsroom: Newsroom) -> None:
    bridge = two(newsroom)
    withdrawal.withdraw(newsroom.config, [bridge], now=NOW + DAY)
    (newsroom.articles / "bridge.md").unlink()
    newsroom.publish(now=NOW + 2 * DAY)
    newsroom.write("bridge.md", markdown("Bridge"))
    newsroom.publish(now=NOW + 3 * DAY)
    assert titles(newsroom) == ["Harbour"]


@pytest.mark.parametrize("lost", ["store", "ledger"])
def test_it_stays_withdrawn_when_it_is_lost(newsroom: Newsroom, lost: str) -> None:
    bridge = two(newsroom)
    withdrawal.withdraw(newsroom.config, [bridge], reason="a mistake", now=NOW + DAY)
    before = newsroom.files()
    name = "store.sqlite3" if lost == "store" else "ledger.ndjson"
    (newsroom.config.state / name).unlink()
    newsroom.publish(now=NOW + DAY)
    assert newsroom.files() == before
    if lost == "ledger":
        (newsroom.config.state / "store.sqlite3").unlink()
        newsroom.publish(now=NOW + DAY)
        assert titles(newsroom) == ["Harbour"]
    (known,) = withdrawal.withdrawn(newsroom.config)
    assert (known.id, known.reason, known.place) == (bridge, "a mistake", "bridge.md")


def test_a_draft_or_a_spoilt_version_of_it_changes_nothing(newsroom: Newsroom) -> None:
    bridge = two(newsroom)
    withdrawal.withdraw(newsroom.config, [bridge], now=NOW + DAY)
    newsroom.write("bridge.md", markdown("Bridge", draft="true"))
    assert newsroom.publish(now=NOW + 2 * DAY).held == ()
    newsroom.write("bridge.md", b"---\ntitle: [\n---\n\nSpoilt.\n")
    assert newsroom.publish(now=NOW + 3 * DAY).held == ()
    newsroom.write("bridge.md", markdown("Bridge"))
    newsroom.publish(now=NOW + 4 * DAY)
    assert titles(newsroom) == ["Harbour"]


def test_undo_brings_it_back_with_its_old_id(newsroom: Newsroom) -> None:
    bridge = two(newsroom)
    withdrawal.withdraw(newsroom.config, [bridge], now=NOW + DAY)
    (back,) = withdrawal.take_back(newsroom.config, ["bridge.md"], now=NOW + 2 * DAY)
    assert back.id == bridge
    assert titles(newsroom) == ["Harbour"]
    newsroom.publish(now=NOW + 3 * DAY)
    assert set(titles(newsroom)) == {"Bridge", "Harbour"}
    assert identifier(newsroom, "Bridge") == bridge
    assert withdrawal.withdrawn(newsroom.config) == []
    with pytest.raises(ConfigError, match="has not been withdrawn by a person"):
        withdrawal.take_back(newsroom.config, [bridge])


def test_a_copy_of_it_does_not_take_its_place(newsroom: Newsroom) -> None:
    newsroom.write("a.md", markdown("Ruling", body=LONG, id="https://agency.example/1"))
    newsroom.publish()
    newsroom.write("b.md", markdown("Ruling", body=LONG, id="https://agency.example/2"))
    newsroom.publish(now=NOW + DAY)
    assert ids(newsroom) == ["https://agency.example/1"]
    withdrawal.withdraw(newsroom.config, ["a.md"], now=NOW + 2 * DAY)
    newsroom.write("c.md", markdown("Ruling", body=LONG, id="https://agency.example/3"))
    newsroom.publish(now=NOW + 3 * DAY)
    assert ids(newsroom) == []
    withdrawal.take_back(newsroom.config, ["a.md"], now=NOW + 4 * DAY)
    newsroom.publish(now=NOW + 5 * DAY)
    assert ids(newsroom) == ["https://agency.example/1"]


def test_an_article_is_named_by_id_place_file_or_address(newsroom: Newsroom, monkeypatch: Any) -> None:
    bridge = two(newsroom)
    monkeypatch.chdir(newsroom.root)
    (url,) = (e.link for e in feedparser.parse(newsroom.read("feed.xml")).entries if e.id == bridge)
    names = [
        bridge,
        url,
        url.replace(".html", ".jsonld"),
        "bridge.md",
        "articles:bridge.md",
        "articles/bridge.md",
    ]
    for number, name in enumerate([*names, str(newsroom.articles / "bridge.md")]):
        at = NOW + number * DAY
        (done,) = withdrawal.withdraw(newsroom.config, [name], now=at).withdrawn
        assert done.id == bridge, name
        withdrawal.take_back(newsroom.config, [name], now=at)
        newsroom.publish(now=at + DAY)


def test_an_article_elsewhere_is_named_by_its_address(newsroom: Newsroom) -> None:
    newsroom.write("bridge.md", markdown("Bridge", url="https://other.example/bridge"))
    newsroom.publish()
    withdrawal.withdraw(newsroom.config, ["https://other.example/bridge"], now=NOW + DAY)
    assert titles(newsroom) == []


def test_what_is_no_article_is_refused_and_nothing_happens(newsroom: Newsroom) -> None:
    bridge = two(newsroom)
    newsroom.write("list.json", json.dumps([
        {"headline": f"Item {n}", "articleBody": f"Text of item {n}.", "datePublished": "2025-09-01"} for n in (1, 2)
    ]))  # fmt: skip
    newsroom.write("purged.md", PURGED)
    newsroom.publish()
    before = newsroom.files()
    with pytest.raises(ConfigError, match=r"There is no published article 'nothing\.md'"):
        withdrawal.withdraw(newsroom.config, [bridge, "nothing.md"])
    with pytest.raises(ConfigError, match=r"means 2 articles\. Name one of them: articles:list\.json#"):
        withdrawal.withdraw(newsroom.config, ["list.json"])
    (event, *_) = (
        node["@id"]
        for node in json.loads(newsroom.read("events.jsonld"))["@graph"]
        if node["@type"] == "Event"
    )
    with pytest.raises(ConfigError, match=r"is an event\. Withdraw the articles that report it"):
        withdrawal.withdraw(newsroom.config, [event])
    assert newsroom.files() == before
    assert withdrawal.withdrawn(newsroom.config) == []


def test_a_store_that_was_just_begun_anew_is_filled_first(newsroom: Newsroom) -> None:
    bridge = two(newsroom)
    (newsroom.config.state / "store.sqlite3").unlink()
    with pytest.raises(PublishError, match="Run `feedpub publish` first"):
        withdrawal.withdraw(newsroom.config, [bridge])


def test_explain_says_who_withdrew_it(newsroom: Newsroom) -> None:
    two(newsroom)
    withdrawal.withdraw(newsroom.config, ["bridge.md"], reason="names a minor", now=NOW + DAY)
    found = checking.explain(newsroom.config, "bridge.md", now=NOW + DAY)
    assert found.state == "withdrawn"
    assert found.reason == (
        "a person withdrew it on 2025-09-04 (names a minor); `feedpub withdraw --undo` takes that back"
    )


# Purging


def archived(newsroom: Newsroom) -> str:
    """A newsroom with the article to be purged on its first archive page, and on the second one that reports
    the same event; returns the id of the first.
    """
    newsroom.configure(
        feeds=(FeedConfig(limit=10), FeedConfig(path="courts", where=Where(section=("Courts",)), limit=10)),
        publish=Publish(output=newsroom.output, feeds_by=("section", "keyword", "author")),
    )
    newsroom.write("purged.md", PURGED)
    newsroom.write("zebracrossing.png", PNG)
    newsroom.write("fair.md", PARTNER)
    for number in range(20):
        day = "2025-08-01" if number < 12 else "2025-08-03"
        newsroom.write(f"other-{number}.md", markdown(f"Other {number}", date=day, section="Courts"))
    newsroom.publish()
    newsroom.write("purged.md", PURGED.replace("at length", "at great length"))
    newsroom.publish(now=NOW + DAY)
    return identifier(newsroom, "Zebracrossing ruling")


def traces(root: Path, words: tuple[str, ...], *, but: Path) -> list[str]:
    """Every file below `root` but one folder in which one of these words stands, whatever its case."""
    found = []
    for path in sorted(root.rglob("*")):
        if path.is_file() and not path.is_relative_to(but):
            content = path.read_bytes().lower()
            found += [
                f"{path.relative_to(root)}: {word}" for word in words if word.lower().encode() in content
            ]
    return found


WORDS = (SECRET, "Quimby Hall", "quimbycase", "quimby hearing", "speaks at the fair", "of matter number")


def test_purged_content_remains_nowhere(newsroom: Newsroom) -> None:
    archived(newsroom)
    picture = next(p for p in newsroom.files() if p.startswith("media/") and p.endswith(".png"))
    assert {t.rpartition(": ")[2] for t in traces(newsroom.root, WORDS, but=newsroom.articles)} == set(WORDS)
    outcome = withdrawal.withdraw(newsroom.config, ["purged.md"], purge=True, now=NOW + 2 * DAY)
    assert traces(newsroom.root, WORDS, but=newsroom.articles) == []
    assert picture not in newsroom.files()
    assert any(line.startswith(str(newsroom.articles / "purged.md")) for line in outcome.remains)
    # Nor does it come back with the next refresh, which reads its file again.
    newsroom.write("purged.md", PURGED.replace("at length", "in short"))
    newsroom.publish(now=NOW + 3 * DAY)
    assert traces(newsroom.root, WORDS, but=newsroom.articles) == []


def test_subscribers_are_told_of_a_purge_on_the_archive_page_that_held_it(newsroom: Newsroom) -> None:
    purged = archived(newsroom)
    before = newsroom.files()
    held = [path for path in before if "archives/" in path and HEADLINE in before[path]]
    assert sorted({path.rpartition(".")[2] for path in held}) == ["atom", "json", "jsonld", "xml"]
    assert len(held) == 8  # in the main feed and in that of the courts
    withdrawal.withdraw(newsroom.config, [purged], purge=True, now=NOW + 2 * DAY)
    after = newsroom.files()
    assert after.keys() >= set(held)
    for path in held:
        said = after[path]
        if path.endswith(".atom"):
            refs = [told.get("ref") for told in ElementTree.fromstring(said).iter(f"{AT}deleted-entry")]
            assert refs == [purged]
        elif path.endswith(".jsonld"):
            (item,) = (n for n in json.loads(said)["@graph"] if n.get("item") == {"@id": purged})
            assert item["dateDeleted"] == "2025-09-05T08:00:00Z"
        else:
            assert purged.encode() not in said
        assert b"Other 1" in said
    assert b'ref="%b"' % purged.encode() in newsroom.read("courts/feed.atom")
    assert not any(path.startswith(("keywords/quimbycase/", "authors/")) for path in after)


def test_a_withdrawal_without_purge_leaves_archive_pages_as_they_are_and_says_so(newsroom: Newsroom) -> None:
    newsroom.write("late.md", markdown("Late", date="2025-09-02"))
    archived(newsroom)
    before = {path: content for path, content in newsroom.files().items() if path.endswith("-1.atom")}
    (said,) = withdrawal.withdraw(newsroom.config, ["purged.md"], now=NOW + 2 * DAY).remains
    assert said.startswith("Archive pages with the text of “Zebracrossing ruling”: these stay as they are")
    files = newsroom.files()
    assert {path: files[path] for path in before} == before
    assert withdrawal.withdraw(newsroom.config, ["late.md"], now=NOW + 3 * DAY).remains == ()


def test_an_event_that_others_report_stays_in_their_words(newsroom: Newsroom) -> None:
    archived(newsroom)
    withdrawal.withdraw(newsroom.config, ["purged.md"], purge=True, now=NOW + 2 * DAY)
    names = [n["name"] for n in json.loads(newsroom.read("events.jsonld"))["@graph"] if n["@type"] == "Event"]
    assert names == ["Shared fair"]
    assert newsroom.read("events.ics").count(b"BEGIN:VEVENT") == 1
    assert newsroom.publish(now=NOW + 3 * DAY).events == 1


def test_an_article_that_is_withdrawn_already_can_be_purged(newsroom: Newsroom) -> None:
    purged = archived(newsroom)
    (newsroom.articles / "purged.md").unlink()
    newsroom.publish(now=NOW + 2 * DAY)
    assert traces(newsroom.root, WORDS, but=newsroom.articles) != []
    outcome = withdrawal.withdraw(newsroom.config, [purged], purge=True, now=NOW + 3 * DAY)
    assert traces(newsroom.root, WORDS, but=newsroom.articles) == []
    assert not any(line.startswith(str(newsroom.articles)) for line in outcome.remains)


def test_what_is_purged_stays_so_without_the_store(newsroom: Newsroom) -> None:
    purged = archived(newsroom)
    withdrawal.withdraw(newsroom.config, [purged], purge=True, now=NOW + 2 * DAY)
    before = newsroom.files()
    (newsroom.config.state / "store.sqlite3").unlink()
    newsroom.publish(now=NOW + 2 * DAY)
    assert newsroom.files() == before
    assert traces(newsroom.root, WORDS, but=newsroom.articles) == []


def test_a_crash_after_a_purge_is_made_good_by_the_next_refresh(newsroom: Newsroom, monkeypatch: Any) -> None:
    archived(newsroom)

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("feedpub.store.scrubbing.scrub", crash)
        with pytest.raises(KeyboardInterrupt):
            withdrawal.withdraw(newsroom.config, ["purged.md"], purge=True, now=NOW + 2 * DAY)
    newsroom.publish(now=NOW + 3 * DAY)
    assert traces(newsroom.root, WORDS, but=newsroom.articles) == []


def test_a_crash_while_the_ledger_is_replaced_costs_nothing(newsroom: Newsroom, monkeypatch: Any) -> None:
    purged = archived(newsroom)

    def crash(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            withdrawal.withdraw(newsroom.config, ["purged.md"], purge=True, now=NOW + 2 * DAY)
    newsroom.publish(now=NOW + 3 * DAY)
    assert traces(newsroom.root, WORDS, but=newsroom.articles) == []
    (known,) = withdrawal.withdrawn(newsroom.config)
    assert (known.id, known.purged) == (purged, True)


def test_an_article_that_was_purged_may_come_back_and_be_purged_again(newsroom: Newsroom) -> None:
    purged = archived(newsroom)
    withdrawal.withdraw(newsroom.config, [purged], purge=True, now=NOW + 2 * DAY)
    withdrawal.take_back(newsroom.config, [purged], now=NOW + 3 * DAY)
    newsroom.publish(now=NOW + 4 * DAY)
    assert purged in ids(newsroom)
    for number in range(20, 32):
        newsroom.write(f"other-{number}.md", markdown(f"Other {number}", date="2025-09-03", section="Courts"))
    newsroom.publish(now=NOW + 5 * DAY)
    held = [path for path, said in newsroom.files().items() if "archives/" in path and HEADLINE in said]
    assert len(held) == 8  # a page to come, now full, of two feeds
    withdrawal.withdraw(newsroom.config, [purged], purge=True, now=NOW + 6 * DAY)
    assert traces(newsroom.root, WORDS, but=newsroom.articles) == []


def test_a_store_set_aside_is_named_as_what_remains(newsroom: Newsroom) -> None:
    purged = archived(newsroom)
    newsroom.publish(rebuild=True, now=NOW + DAY)
    outcome = withdrawal.withdraw(newsroom.config, [purged], purge=True, now=NOW + 2 * DAY)
    (aside,) = newsroom.config.state.glob("store.sqlite3.*")
    assert any(str(aside) in line for line in outcome.remains)


def test_what_earlier_refreshes_failed_at_is_forgotten_with_a_purge(newsroom: Newsroom) -> None:
    archived(newsroom)
    with open_store(newsroom.config) as store, store.transaction() as transaction:
        told = json.dumps({"failures": [f"feed.xml was not published: author is {SECRET}"], "articles": 22})
        transaction.connection.execute(schema.run.insert().values(started_at=0, report=told.encode()))
    withdrawal.withdraw(newsroom.config, ["purged.md"], purge=True, now=NOW + 2 * DAY)
    assert traces(newsroom.root, WORDS, but=newsroom.articles) == []
    with open_store(newsroom.config) as store:
        assert store.status().last_run == {"failures": [], "articles": 22}


def test_an_archive_page_that_cannot_be_verified_is_purged_by_a_later_refresh(
    newsroom: Newsroom, monkeypatch: Any
) -> None:
    purged = archived(newsroom)
    render = JsonFeedFormat.render
    with monkeypatch.context() as patched:
        # No other process, so that the patch holds there too.
        patched.setattr(Workers, "map", lambda _, function, chunks, **__: ((c, function(c)) for c in chunks))
        patched.setattr(
            JsonFeedFormat, "render", lambda self, e: render(self, e).replace(b"Other", b"Another")
        )
        outcome = withdrawal.withdraw(newsroom.config, [purged], purge=True, now=NOW + 2 * DAY)
    assert outcome.report.failed
    assert "not published anew" in outcome.remains[0]
    assert HEADLINE in newsroom.read("archives/0/feed-1.json")
    newsroom.publish(now=NOW + 3 * DAY)
    assert traces(newsroom.root, WORDS, but=newsroom.articles) == []


def test_the_store_keeps_no_free_pages_after_a_purge(newsroom: Newsroom) -> None:
    archived(newsroom)
    withdrawal.withdraw(newsroom.config, ["purged.md"], purge=True, now=NOW + 2 * DAY)
    with contextlib.closing(sqlite3.connect(newsroom.config.state / "store.sqlite3")) as raw:
        assert raw.execute("PRAGMA freelist_count").fetchone() == (0,)


def test_ids_and_positions_survive_a_purge(newsroom: Newsroom) -> None:
    purged = archived(newsroom)

    def kept() -> list[Any]:
        with open_store(newsroom.config) as store, store.reading() as connection:
            members = select(schema.member).order_by(schema.member.c.path, schema.member.c.position)
            identities = select(schema.identity.c.id, schema.identity.c.stem).order_by(schema.identity.c.id)
            return [list(connection.execute(query)) for query in (members, identities)]

    before = kept()
    withdrawal.withdraw(newsroom.config, [purged], purge=True, now=NOW + 2 * DAY)
    assert kept() == before
    (newsroom.config.state / "store.sqlite3").unlink()
    newsroom.publish(now=NOW + 2 * DAY)
    assert kept() == before


# The command


@pytest.fixture
def office(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    """A newsroom with a configuration file, and the current folder in it."""
    (newsroom.root / "feedpub.toml").write_text(
        '[site]\ntitle = "Test News"\nurl = "https://news.example/"\nlanguage = "en"\ntimezone = "UTC"\n'
        '[sources.articles]\nkind = "files"\npath = "articles"\n[publish]\noutput = "feeds"\n'
    )
    monkeypatch.chdir(newsroom.root)
    newsroom.write("bridge.md", markdown("Bridge"))
    assert run(newsroom, "publish")[0] == 0
    return newsroom


def test_the_command_withdraws_lists_and_takes_back(office: Newsroom) -> None:
    code, out, _ = run(office, "withdraw", "articles/bridge.md", "--reason", "names a minor")
    assert code == 0
    assert out.startswith("Withdrawn: “Bridge” (articles: bridge.md)\n  https://news.example/articles/")
    assert "It stays down until `feedpub withdraw --undo`." in out
    code, out, _ = run(office, "withdraw", "--list")
    assert code == 0
    assert out.startswith("articles: bridge.md  withdrawn on ")
    assert "Reason: names a minor" in out
    code, out, _ = run(office, "withdraw", "--undo", "articles/bridge.md")
    assert (code, out) == (
        0, "The next `feedpub publish` publishes (articles: bridge.md) again, if its source still holds it.\n",
    )  # fmt: skip
    assert run(office, "withdraw", "--list")[1] == "No article has been withdrawn by a person.\n"


def test_the_command_says_as_json_what_a_purge_leaves(office: Newsroom) -> None:
    code, out, _ = run(office, "withdraw", "bridge.md", "--purge", "--json")
    said = json.loads(out)
    assert code == 0
    assert [(one["place"], one["purged"], one["headline"]) for one in said["withdrawn"]] == [
        ("bridge.md", True, "Bridge")
    ]
    assert said["written"] > 0
    assert said["remains"][0].startswith(str(office.articles / "bridge.md"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "Name the articles, or give --list"),
        (["--list", "bridge.md"], "--list takes no articles"),
        (["nothing.md"], "There is no published article 'nothing.md'"),
    ],
)
def test_the_command_refuses_what_it_cannot_mean(
    office: Newsroom, arguments: list[str], message: str
) -> None:
    code, _, err = run(office, "withdraw", *arguments)
    assert code == 2
    assert message in err
