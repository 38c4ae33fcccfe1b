"""Sitemaps, their index, the news sitemap and robots.txt: valid by XML Schema, right at their edges."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any
from urllib.robotparser import RobotFileParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from feedpub import resources
from feedpub.errors import FeedpubError
from feedpub.formats import newssitemap, robots, sitemap
from feedpub.formats.sitemap import SitemapUrl
from feedpub.models import Agent, Entry
from tests.judges import samples

NAMES = {
    "s": "http://www.sitemaps.org/schemas/sitemap/0.9",
    "n": "http://www.google.com/schemas/sitemap-news/0.9",
}
NOW = datetime(2025, 9, 3, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)
PAGE = "https://courier.example/articles/a.html"


@cache
def xsd(name: str) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(resources.xsd_path(name))))


def valid(written: bytes, schema: str = "sitemap") -> Any:
    root = etree.fromstring(written)
    xsd(schema).assertValid(root)
    return root


def said(root: Any, path: str) -> list[str]:
    return [element.text for element in root.iterfind(path, NAMES)]


# --- sitemaps


def test_a_sitemap_names_addresses_in_order_with_their_last_change_in_utc() -> None:
    summer = timezone(timedelta(hours=2))
    written = sitemap.urlset(
        [
            SitemapUrl("https://courier.example/"),
            SitemapUrl(PAGE, datetime(2025, 9, 3, 1, 30, tzinfo=summer)),
        ]
    )
    assert written == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">\n'
        b"<url>\n<loc>https://courier.example/</loc>\n</url>\n"
        b"<url>\n<loc>https://courier.example/articles/a.html</loc>\n"
        b"<lastmod>2025-09-02T23:30:00Z</lastmod>\n</url>\n"
        b"</urlset>\n"
    )
    valid(written)


def test_an_index_names_sitemaps() -> None:
    written = sitemap.index([SitemapUrl("https://courier.example/pages-1.xml", NOW)])
    root = valid(written, "siteindex")
    assert root.tag == f"{{{NAMES['s']}}}sitemapindex"
    assert said(root, "s:sitemap/s:loc") == ["https://courier.example/pages-1.xml"]
    assert said(root, "s:sitemap/s:lastmod") == ["2025-09-03T12:00:00Z"]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://x.example/ümlat.php&q=name", "https://x.example/%C3%BCmlat.php&q=name"),
        ("https://x.example/a b", "https://x.example/a%20b"),
        ("https://x.example/a%20b?c=%D1%8F", "https://x.example/a%20b?c=%D1%8F"),
        ("https://x.example/100%", "https://x.example/100%25"),
        ("https://x.example/100%zz", "https://x.example/100%25zz"),
        ("https://x.example/a?b[]=1", "https://x.example/a?b%5B%5D=1"),
        ("https://x.example?b[]=1", "https://x.example?b%5B%5D=1"),
        ("https://[2001:db8::1]:8080/a[1]", "https://[2001:db8::1]:8080/a%5B1%5D"),
        ("https://x.example/a#b#c", "https://x.example/a#b%23c"),
        ("https://müller.example/", "https://xn--mller-kva.example/"),
        ("HTTPS://x.example/", "https://x.example/"),
        ("javascript:alert(1)", None),
        ("urn:uuid:5f0c1c9e-4c57-5d0a-9a55-0a4a3a6f0001", None),
        ("/articles/a.html", None),
        ("", None),
    ],
)
def test_addresses_are_escaped_by_rfc_3986(url: str, expected: str | None) -> None:
    assert sitemap.address(url) == expected


def test_addresses_of_2048_characters_are_too_long() -> None:
    stem = "https://x.example/"
    longest = stem + "a" * (2047 - len(stem))
    assert sitemap.address(longest) == longest
    assert sitemap.address(longest + "a") is None
    assert sitemap.address(stem + "ü" * 400) is None  # six characters each, once escaped


def test_the_five_characters_are_written_as_entities() -> None:
    written = sitemap.urlset([SitemapUrl("https://x.example/?a=1&b='2'&c=%22<>")])
    assert b"<loc>https://x.example/?a=1&amp;b=&apos;2&apos;&amp;c=%22" in written
    assert said(valid(written), "s:url/s:loc") == ["https://x.example/?a=1&b='2'&c=%22%3C%3E"]


def test_one_bad_address_costs_only_itself() -> None:
    written = sitemap.urlset([SitemapUrl("javascript:alert(1)"), SitemapUrl(PAGE), SitemapUrl("")])
    assert said(valid(written), "s:url/s:loc") == [PAGE]


def test_a_file_holds_50_000_addresses_and_no_more() -> None:
    most = [SitemapUrl(f"https://x.example/{number}") for number in range(50_000)]
    assert len(valid(sitemap.urlset(most))) == 50_000
    valid(sitemap.index(most), "siteindex")
    for write in (sitemap.urlset, sitemap.index):
        with pytest.raises(ValueError, match=r"50,001 addresses"):
            write([*most, SitemapUrl("https://x.example/more")])


def test_a_file_has_at_most_50_mib() -> None:
    long = "https://x.example/" + "&" * 2000  # 10,018 bytes and the tags, once escaped
    with pytest.raises(ValueError, match=r"at most 52,428,800"):
        sitemap.urlset([SitemapUrl(long)] * 5_300)
    assert len(sitemap.urlset([SitemapUrl(long)] * 5_200)) < 52_428_800


@pytest.mark.parametrize("urls", [[], [SitemapUrl("mailto:a@x.example")]])
def test_a_sitemap_without_an_address_is_refused(urls: list[SitemapUrl]) -> None:
    with pytest.raises(ValueError, match="without an address"):
        sitemap.urlset(urls)
    with pytest.raises(ValueError, match="without an address"):
        sitemap.index(urls)


def test_a_change_at_an_unknown_time_is_refused() -> None:
    with pytest.raises(ValueError, match="no zone"):
        sitemap.urlset([SitemapUrl(PAGE, datetime(2025, 9, 3))])


@given(
    paths=st.lists(samples.WILD_TEXT, max_size=5),
    moment=st.none() | st.datetimes(datetime(1900, 1, 1), datetime(2199, 1, 1), timezones=st.timezones()),
)
def test_any_address_makes_a_valid_sitemap(paths: list[str], moment: datetime | None) -> None:
    urls = [SitemapUrl(f"https://courier.example/{path}", moment) for path in paths]
    root = valid(sitemap.urlset([SitemapUrl(PAGE), *urls]))
    for loc in said(root, "s:url/s:loc"):
        assert sitemap.address(loc) == loc  # escaping twice changes nothing
    for lastmod in said(root, "s:url/s:lastmod"):
        assert moment is not None
        assert datetime.fromisoformat(lastmod) == moment.replace(microsecond=0)


@pytest.mark.parametrize(
    ("bad", "schema"),
    [
        ("<urlset xmlns='{s}'/>", "sitemap"),
        ("<urlset xmlns='{s}'><url/></urlset>", "sitemap"),
        ("<urlset xmlns='{s}'><url><loc>articles/a.html</loc></url></urlset>", "sitemap"),
        ("<urlset xmlns='{s}'><url><loc>https://x.example/a b</loc></url></urlset>", "sitemap"),
        ("<urlset xmlns='{s}'><url><loc>https://x.example/%z</loc></url></urlset>", "sitemap"),
        ("<urlset xmlns='{s}'><url><loc>https://x.example/ü</loc></url></urlset>", "sitemap"),
        ("<urlset xmlns='{s}'><url><loc>{page}</loc><lastmod>2 May</lastmod></url></urlset>", "sitemap"),
        (
            "<urlset xmlns='{s}'><url><loc>{page}</loc><lastmod>2025-09-03T12:00:00</lastmod></url></urlset>",
            "sitemap",
        ),
        ("<urlset><url><loc>{page}</loc></url></urlset>", "sitemap"),
        ("<urlset xmlns='{s}'><sitemap><loc>{page}</loc></sitemap></urlset>", "sitemap"),
        ("<sitemapindex xmlns='{s}'/>", "siteindex"),
        ("<sitemapindex xmlns='{s}'><url><loc>{page}</loc></url></sitemapindex>", "siteindex"),
    ],
)
def test_the_schemas_refuse_what_the_protocol_forbids(bad: str, schema: str) -> None:
    root = etree.fromstring(bad.format(s=NAMES["s"], page=PAGE))
    assert not xsd(schema).validate(root)


def test_schemas_are_found_by_name_and_nothing_else_is() -> None:
    for name in ("../common.schema.json", "nothing", "", "sitemap.xsd"):
        with pytest.raises(FeedpubError, match="no XML schema"):
            resources.xsd_path(name)


# --- the news sitemap


def article(number: int, age: timedelta | None, **properties: Any) -> Entry:
    """An article published so long ago; None for one that states no day, first seen an hour ago."""
    published = None if age is None else NOW - age
    stated = {} if published is None else {"datePublished": published.isoformat(timespec="seconds")}
    return replace(
        samples.entry(f"urn:x:{number:05}", **{"headline": f"Story {number}", **stated, **properties}),
        url=f"https://courier.example/articles/{number}.html",
        published_at=published,
        sort_at=published or NOW - HOUR,
    )


def news(*entries: Entry, **options: Any) -> Any:
    found = newssitemap.news(entries, replace(samples.SITE, **options), NOW)
    assert found.content is not None
    return valid(found.content)


def listed(root: Any) -> tuple[list[str], list[str]]:
    """The numbers of the articles that are news, and of those that are plain addresses."""
    numbers: tuple[list[str], list[str]] = ([], [])
    for url in root.iterfind("s:url", NAMES):
        number = url.findtext("s:loc", "", NAMES).rpartition("/")[2].removesuffix(".html")
        numbers[url.find("n:news", NAMES) is None].append(number)
    return numbers


def test_news_says_publication_language_date_and_title() -> None:
    root = news(article(1, HOUR, headline="Bread & roses <1>", inLanguage="de-AT"))
    assert said(root, "s:url/s:loc") == ["https://courier.example/articles/1.html"]
    assert said(root, "s:url/s:lastmod") == ["2025-09-03T08:15:00Z"]
    (found,) = root.iterfind("s:url/n:news", NAMES)
    assert said(found, "n:publication/n:name") == ["The Alder Courier"]
    assert said(found, "n:publication/n:language") == ["de"]
    assert said(found, "n:publication_date") == ["2025-09-03T11:00:00+00:00"]
    assert said(found, "n:title") == ["Bread & roses <1>"]


def test_the_publication_is_called_as_its_publisher_is() -> None:
    root = news(article(1, HOUR), publisher=Agent("Alder Courier Ltd", "Organization"))
    assert said(root, ".//n:name") == ["Alder Courier Ltd"]


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ("2025-09-03", "2025-09-03"),
        ("2025-09-03T11:00+01:00", "2025-09-03T11:00+01:00"),
        ("2025-09-03T11:00:30Z", "2025-09-03T11:00:30Z"),
        ("2025-09-03T11:00", "2025-09-03T11:00:00Z"),  # no offset: the instant that was understood
    ],
)
def test_the_date_is_as_precise_as_stated(stated: str, expected: str) -> None:
    assert said(news(article(1, HOUR, datePublished=stated)), ".//n:publication_date") == [expected]


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("en", "en"), ("en-GB", "en"), ("pt_BR", "pt"), ("gsw-CH", "gsw"), ("DE", "de"),
        ("zh-CN", "zh-cn"), ("zh-TW", "zh-tw"), ("zh-Hans", "zh-cn"), ("zh-Hant-HK", "zh-tw"),
        ("zh-HK", "zh-tw"), ("zh-Hans-TW", "zh-cn"), ("zh", "zh"),
        ("und", None), ("zxx", None), ("x-klingon", None), ("i-navajo", None), ("", None), (None, None),
    ],
)  # fmt: skip
def test_languages_are_named_as_news_sitemaps_name_them(tag: str | None, expected: str | None) -> None:
    assert newssitemap.language_code(tag) == expected


def test_an_article_is_news_for_less_than_48_hours() -> None:
    root = news(
        article(1, timedelta(0)), article(2, 48 * HOUR - SECOND), article(3, 48 * HOUR), article(4, 49 * HOUR)
    )
    assert listed(root) == (["1", "2"], ["3", "4"])


def test_the_next_change_is_when_the_oldest_news_leaves_and_then_it_is_gone() -> None:
    entries = [article(1, HOUR), article(2, 40 * HOUR), article(3, 50 * HOUR)]
    found = newssitemap.news(entries, samples.SITE, NOW)
    assert found.next_change_at == NOW + 8 * HOUR
    before = newssitemap.news(entries, samples.SITE, found.next_change_at - SECOND)
    after = newssitemap.news(entries, samples.SITE, found.next_change_at)
    assert found.content == before.content != after.content
    assert after.content is not None
    assert listed(valid(after.content)) == (["1"], ["2", "3"])
    assert after.next_change_at == NOW + 47 * HOUR


def test_dates_in_the_future_wait_for_their_time() -> None:
    found = newssitemap.news([article(1, -HOUR), article(2, 40 * HOUR)], samples.SITE, NOW)
    assert found.content is not None
    assert listed(valid(found.content)) == (["2"], [])
    assert found.next_change_at == NOW + HOUR
    alone = newssitemap.news([article(1, -HOUR)], samples.SITE, NOW)
    assert (alone.content, alone.next_change_at) == (None, NOW + HOUR)


def test_without_news_the_newest_stay_and_the_file_is_never_empty() -> None:
    found = newssitemap.news([article(2, 90 * HOUR), article(1, 60 * HOUR)], samples.SITE, NOW)
    assert found.content is not None
    assert listed(valid(found.content)) == ([], ["1", "2"])
    assert found.next_change_at is None


def test_without_any_address_there_is_no_file() -> None:
    assert newssitemap.news([], samples.SITE, NOW) == newssitemap.NewsSitemap(None, None, ())
    withdrawn = replace(article(1, HOUR), withdrawn_at=NOW)
    assert newssitemap.news([withdrawn], samples.SITE, NOW).content is None


def test_at_most_1000_addresses_the_news_before_the_others() -> None:
    minute = timedelta(minutes=1)
    entries = [article(number, number * minute) for number in range(999)]
    undated = [article(number, None) for number in range(5000, 5003)]
    assert [len(part) for part in listed(news(*entries, *undated))] == [999, 1]
    entries.append(article(999, 999 * minute))
    assert [len(part) for part in listed(news(*entries, *undated))] == [1000, 0]
    entries.append(article(1000, 1000 * minute))
    recent, plain = listed(news(*reversed(entries)))
    assert (len(recent), recent[0], recent[-1], plain) == (1000, "0", "999", [])


def test_what_news_must_state_is_not_made_up() -> None:
    entries = [
        article(1, None),
        article(2, HOUR),
        article(3, HOUR, inLanguage="und"),
        article(4, HOUR, headline=""),
    ]
    found = newssitemap.news(entries, replace(samples.SITE, language=None), NOW)
    assert found.content is not None
    assert listed(valid(found.content)) == ([], ["4", "3", "2", "1"])
    assert sorted((problem.rule, problem.value) for problem in found.left_out) == [
        ("news-sitemap:date", "https://courier.example/articles/1.html"),
        ("news-sitemap:language", "https://courier.example/articles/2.html"),
        ("news-sitemap:language", "https://courier.example/articles/3.html"),
        ("news-sitemap:language", "https://courier.example/articles/4.html"),
    ]
    assert {problem.severity for problem in found.left_out} == {"advice"}
    untitled = newssitemap.news([article(4, HOUR, headline="")], samples.SITE, NOW)
    assert [problem.rule for problem in untitled.left_out] == ["news-sitemap:headline"]


@pytest.mark.parametrize(
    "url",
    [
        "https://other.example/a.html",
        "https://courier.example.evil.example/a.html",
        "http://courier.example/a.html",
        "urn:x:1",
        "https://courier.example/" + "a" * 2048,
    ],
)
def test_only_addresses_under_the_site_are_listed(url: str) -> None:
    found = newssitemap.news([replace(article(1, HOUR), url=url), article(2, HOUR)], samples.SITE, NOW)
    assert found.content is not None
    assert listed(valid(found.content)) == (["2"], [])
    assert [problem.rule for problem in found.left_out] == ["news-sitemap:place"]


def test_an_address_stands_once() -> None:
    twice = replace(article(2, 2 * HOUR), url=article(1, HOUR).url)
    assert listed(news(article(1, HOUR), twice)) == (["1"], [])


@given(
    ages=st.lists(st.none() | st.integers(-3 * 3600, 60 * 3600), max_size=12, unique=True),
    title=samples.WILD_TEXT,
    name=samples.WILD_TEXT,
)
def test_whatever_the_articles_are_the_file_is_valid_and_right(
    ages: list[int | None], title: str, name: str
) -> None:
    entries = [
        article(number, None if age is None else timedelta(seconds=age), headline=f"x{title}")
        for number, age in enumerate(ages)
    ]
    found = newssitemap.news(entries, replace(samples.SITE, title=f"x{name}"), NOW)
    recent = {str(n) for n, age in enumerate(ages) if age is not None and 0 <= age < 48 * 3600}
    shown = {str(n) for n, age in enumerate(ages) if age is None or age >= 0}
    if not shown:
        assert found.content is None
    else:
        assert found.content is not None
        new, plain = listed(valid(found.content))
        assert (set(new), set(plain)) == (recent, shown - recent)
    leaving = [
        NOW + timedelta(seconds=48 * 3600 - age) for age in ages if age is not None and 0 <= age < 48 * 3600
    ]
    coming = [NOW - timedelta(seconds=age) for age in ages if age is not None and age < 0]
    assert found.next_change_at == min([*leaving, *coming], default=None)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<n:language>en", "<n:language>en-GB"),
        ("<n:name>A</n:name>", ""),
        ("<n:name>A</n:name>", "<n:name> </n:name>"),
        ("<n:title>T</n:title>", ""),
        ("2025-09-03</n", "2025-09</n"),
        ("2025-09-03</n", "2025-09-03T10:00</n"),
        ("2025-09-03</n", "3 September 2025</n"),
    ],
)
def test_the_schema_refuses_what_google_does(old: str, new: str) -> None:
    good = (
        f"<urlset xmlns='{NAMES['s']}' xmlns:n='{NAMES['n']}'><url><loc>{PAGE}</loc><n:news><n:publication>"
        "<n:name>A</n:name><n:language>en</n:language></n:publication>"
        "<n:publication_date>2025-09-03</n:publication_date><n:title>T</n:title></n:news></url></urlset>"
    )
    valid(good.encode())
    assert old in good
    assert not xsd("sitemap").validate(etree.fromstring(good.replace(old, new)))


# --- robots.txt


def test_robots_may_read_everything_and_find_the_sitemaps() -> None:
    parser = RobotFileParser()
    parser.parse(robots.render(samples.SITE, ["sitemap.xml", "news.xml"]).decode().splitlines())
    assert parser.can_fetch("Googlebot", PAGE)
    assert parser.can_fetch("*", "https://courier.example/feed.xml")
    assert parser.site_maps() == ["https://courier.example/sitemap.xml", "https://courier.example/news.xml"]


def test_robots_without_a_sitemap_names_none() -> None:
    assert robots.render(samples.SITE, []) == b"User-agent: *\nDisallow:\n"
    assert b"\n\nSitemap: https://courier.example/sitemap.xml\n" in robots.render(samples.SITE)
