import json
import time
from pathlib import Path

import pytest

from feedpub.extraction import html
from feedpub.extraction.sanitise import html_to_text
from feedpub.extraction.settings import ExtractSettings
from feedpub.models import Document, Extraction, Origin

DATA = Path(__file__).parent / "data" / "html"
GOLDEN = sorted(path.stem for path in DATA.glob("*.json"))


def read(
    data: str | bytes, *, url: str | None = None, encoding: str | None = None, syntaxes: tuple[str, ...] = ()
) -> Extraction:
    raw = data.encode() if isinstance(data, str) else data
    document = Document("pages", "page.html", raw, "text/html", url=url, encoding=encoding)
    return html.read(document, ExtractSettings(syntaxes=syntaxes))


def page(head: str, body: str = "") -> str:
    text = body or (
        "<article><p>The ferry stayed in port on Monday because of high waves, the port office said in the "
        "morning. About two hundred people waited in the hall for several hours.</p></article>"
    )
    return f"<!DOCTYPE html><html><head>{head}</head><body>{text}</body></html>"


def rules(found: Extraction) -> list[tuple[str, str]]:
    return [(problem.rule, problem.severity) for problem in found.problems]


@pytest.mark.parametrize("name", GOLDEN)
def test_page_is_read_as_a_person_reads_it(name: str) -> None:
    expected = json.loads((DATA / f"{name}.json").read_text("utf-8"))
    found = read((DATA / f"{name}.html").read_bytes())
    article = found.article
    assert article is not None
    if "problems" in expected:
        assert [[p.rule, p.severity, p.line] for p in found.problems] == expected.pop("problems")
    for key, origin in expected.pop("origins").items():
        assert article.origins[key].name == origin, key
    paragraphs = article.body_text.split("\n\n")
    for paragraph in expected.pop("contains"):
        assert paragraph in paragraphs or any(paragraph in found for found in paragraphs)
    for words in expected.pop("lacks"):
        assert words not in article.body_text
    shown = {
        "published": article.published and article.published.value,
        "modified": article.modified and article.modified.value,
        "authors": [agent.name for agent in article.authors],
        "images": [image.url for image in article.images],
        "publisher": article.publisher and article.publisher.name,
    }
    for key, value in expected.items():
        actual = shown[key] if key in shown else getattr(article, key)
        assert (list(actual) if isinstance(actual, tuple) else actual) == value, key


@pytest.mark.parametrize("name", GOLDEN)
def test_body_as_markup_and_as_text_say_the_same(name: str) -> None:
    article = read((DATA / f"{name}.html").read_bytes()).article
    assert article is not None
    assert article.body_html is not None
    assert html_to_text(article.body_html) == article.body_text


def test_authors_come_from_the_node_that_a_reference_means() -> None:
    article = read((DATA / "jsonld.html").read_bytes()).article
    assert article is not None
    mara = article.authors[0]
    assert (mara.type, mara.id, mara.job_title) == (
        "Person",
        "https://gazette.example/#mara",
        "City reporter",
    )
    assert mara.url == "https://gazette.example/staff/mara"
    assert article.publisher is not None
    assert article.publisher.logo is not None
    assert (article.publisher.logo.width, article.publisher.logo.height) == (600, 60)


def test_links_in_the_body_are_absolute() -> None:
    article = read((DATA / "jsonld.html").read_bytes()).article
    assert article is not None
    assert '<a href="https://gazette.example/people/idris-vale">Idris Vale</a>' in (article.body_html or "")


def test_nothing_that_runs_survives() -> None:
    article = read((DATA / "hostile.html").read_bytes()).article
    assert article is not None
    markup = (article.body_html or "").lower()
    for word in ("script", "steal", "onclick", "onerror", "iframe", "style", "svg", "form", "javascript"):
        assert word not in markup
    assert '<a href="https://press.example/about">about it</a>' in markup


def test_page_with_only_an_event_gives_the_event() -> None:
    found = read((DATA / "event.html").read_bytes())
    assert found.article is None
    assert rules(found) == []
    event, concert = found.events
    assert (event.name, event.type) == ("Night of Open Studios", "VisualArtsEvent")
    assert event.id == "https://arts.example/open-studios#event"
    assert event.start is not None
    assert event.start.value == "2025-10-11T18:00:00+02:00"
    assert event.previous_start is not None
    assert event.previous_start.value == "2025-10-04T18:00:00+02:00"
    assert (event.status, event.attendance_mode) == ("EventRescheduled", "MixedEventAttendanceMode")
    mill, stream = event.locations
    assert mill.address is not None
    assert not isinstance(mill.address, str)
    assert (mill.name, mill.address.locality, mill.address.country) == ("Old Mill", "Ahrbeck", "DE")
    assert (mill.latitude, mill.longitude) == (54.33, 10.13)
    assert (stream.type, stream.url) == ("VirtualLocation", "https://arts.example/stream")
    assert [agent.name for agent in event.organizers] == ["Ahrbeck Artists"]
    assert [(agent.name, agent.type) for agent in event.performers] == [
        ("Duo Kante", "Person"),
        ("The Lofts", "Organization"),
    ]
    assert [(offer.price, offer.currency, offer.availability) for offer in event.offers] == [
        ("8", "EUR", "InStock")
    ]
    assert event.sub_events == ("Concert in the yard",)
    assert (concert.name, concert.type) == ("Concert in the yard", "MusicEvent")


def test_article_page_carries_its_events_and_says_which_it_is_about() -> None:
    found = read((DATA / "article-with-event.html").read_bytes())
    article = found.article
    assert article is not None
    fair, market = article.events
    assert (fair.name, fair.type, fair.status, fair.main) == (
        "Harvest fair",
        "Festival",
        "EventCancelled",
        True,
    )
    assert [place.name for place in fair.locations] == ["Fairground"]
    assert (market.name, market.main, market.start) == ("Flea market", False, None)
    assert rules(found) == [("event-date-unreadable", "advice")]


def test_broken_json_ld_is_reported_with_its_line_and_hides_nothing() -> None:
    good = '<script type="application/ld+json">{"@type":"NewsArticle","headline":"Kept"}</script>'
    found = read(page(f'\n\n<script type="application/ld+json">\n{{"a":\n oops}}</script>{good}'))
    assert found.article is not None
    assert found.article.headline == "Kept"
    assert [(p.rule, p.severity, p.line) for p in found.problems] == [("json-ld-broken", "advice", 5)]


@pytest.mark.parametrize(
    "wrapped",
    [
        "<!-- {} -->",
        "//<![CDATA[\n{}\n//]]>",
        "/* <![CDATA[ */ {} /* ]]> */",
        "{};",
    ],
)
def test_marks_around_a_json_ld_script_are_ignored(wrapped: str) -> None:
    node = '{"@type":"NewsArticle","headline":"Inside"}'
    found = read(page(f'<script type=" Application/LD+JSON ">{wrapped.replace("{}", node)}</script>'))
    assert found.article is not None
    assert found.article.headline == "Inside"
    assert rules(found) == []


def test_broken_json_ld_speaks_of_others_only_where_there_are_any() -> None:
    broken = '<script type="application/ld+json">{"a":</script>'
    good = '<script type="application/ld+json">{"@type":"NewsArticle","headline":"Kept"}</script>'
    assert all("others" not in problem.message for problem in read(page(broken * 2)).problems)
    assert ["the others were read" in problem.message for problem in read(page(broken + good)).problems] == [
        True
    ]


def test_unreadable_date_is_an_error_if_nothing_else_states_it() -> None:
    script = '<script type="application/ld+json">{"@type":"NewsArticle","headline":"H","datePublished":"20255-01-01"}</script>'
    alone = read(page(script))
    assert rules(alone) == [("date-unreadable", "error")]
    assert alone.problems[0].pointer == "/datePublished"
    saved = read(page(script + '<meta property="article:published_time" content="2025-01-01">'))
    assert rules(saved) == [("date-unreadable", "advice")]
    assert saved.article is not None
    assert saved.article.published is not None
    assert saved.article.published.value == "2025-01-01"


def test_zero_date_of_a_database_states_nothing() -> None:
    found = read(page('<meta property="article:published_time" content="0001-01-01T00:00:00Z">'))
    assert rules(found) == []
    assert found.article is not None
    assert found.article.published is None


def test_dates_more_than_a_day_apart_are_an_advice_and_the_trusted_one_stays() -> None:
    script = '<script type="application/ld+json">{"@type":"NewsArticle","headline":"H","datePublished":"2025-01-01"}</script>'
    found = read(page(script + '<meta property="article:published_time" content="2025-01-04T10:00:00Z">'))
    assert rules(found) == [("date-conflict", "advice")]
    assert found.article is not None
    assert found.article.published is not None
    assert found.article.published.value == "2025-01-01"
    assert found.article.origins["published~article:published_time"].quote == "2025-01-04T10:00:00Z"


def test_no_date_is_taken_from_a_copyright_line_or_the_text() -> None:
    body = (
        "<article><p>The council met on 3 May 2024 and again a week later, as the minutes of the meeting show. "
        "Nothing was decided, and the matter will be taken up once more after the summer.</p></article>"
        "<footer>Copyright © 2023 Example. Last update of this software: 2022-02-02</footer>"
    )
    article = read(page("<title>Council undecided</title>", body)).article
    assert article is not None
    assert (article.published, article.modified) == (None, None)


def test_single_time_element_in_the_article_is_its_date() -> None:
    body = "<article><h1>Ferry</h1><time datetime='2025-02-03T08:00+01:00'>Monday</time><p>The ferry stayed in port.</p></article>"
    article = read(page("", body)).article
    assert article is not None
    assert article.published is not None
    assert article.published.value == "2025-02-03T08:00+01:00"
    two = body.replace("<p>", "<time datetime='2024-01-01'>then</time><p>")
    article = read(page("", two)).article
    assert article is not None
    assert article.published is None


def test_site_name_is_cut_from_the_title_only_if_the_page_names_it() -> None:
    title = "<title>Storm warning - what to do | Coast News</title>"
    named = read(page(title + '<meta property="og:site_name" content="Coast News">')).article
    unnamed = read(page(title)).article
    assert named is not None
    assert unnamed is not None
    assert named.headline == "Storm warning - what to do"
    assert unnamed.headline == "Storm warning - what to do | Coast News"


def test_stated_body_is_taken_if_it_is_longer_than_the_text_of_the_page() -> None:
    stated = (
        "First paragraph with the facts.\\n\\nSecond paragraph, which the page shows to subscribers only. "
        + "More. " * 60
    )
    script = f'<script type="application/ld+json">{{"@type":"NewsArticle","headline":"H","articleBody":"{stated}"}}</script>'
    article = read(page(script)).article
    assert article is not None
    assert article.origins["body_text"].name == "json-ld: articleBody"
    assert article.body_text.startswith("First paragraph with the facts.\n\nSecond paragraph")


def test_stated_body_that_is_only_a_teaser_gives_way_to_the_page() -> None:
    script = '<script type="application/ld+json">{"@type":"NewsArticle","headline":"H","articleBody":"The ferry …"}</script>'
    article = read(page(script)).article
    assert article is not None
    assert article.body_text.endswith("waited in the hall for several hours.")


def test_the_article_of_several_is_the_one_whose_address_is_the_page() -> None:
    script = """<link rel="canonical" href="https://news.example/b"><script type="application/ld+json">[
      {"@type":"NewsArticle","headline":"A","url":"https://news.example/a"},
      {"@type":"NewsArticle","headline":"B","mainEntityOfPage":{"@id":"https://news.example/b#top"}}]</script>"""
    article = read(page(script)).article
    assert article is not None
    assert article.headline == "B"


def several(*nodes: dict[str, str], head: str = "") -> str:
    """A page with the text of two articles and JSON-LD of as many as are given."""
    given = json.dumps([{"@type": "NewsArticle", **node} for node in nodes])
    first = "The ferry stayed in port on Monday because of high waves, the port office said in the morning."
    second = "The market moves to the square in May, the town council decided on Monday after a long debate."
    body = f"<main><article><p>{first}</p></article><article><p>{second}</p></article></main>"
    return page(f'{head}<script type="application/ld+json">{given}</script>', body)


FERRY = {
    "headline": "Ferry stays in port",
    "articleBody": "The ferry stayed in port on Monday because of high waves, the port office said in the morning.",
}
MARKET = {
    "headline": "Market moves",
    "articleBody": "The market moves to the square in May, the town council decided on Monday after a long debate.",
}


def test_of_several_articles_on_a_page_one_is_taken_with_its_own_text_and_the_other_named() -> None:
    found = read(several(FERRY, MARKET))
    assert found.article is not None
    assert (found.article.headline, found.article.body_text) == (FERRY["headline"], FERRY["articleBody"])
    (advice,) = found.problems
    assert (advice.rule, advice.severity) == ("several-articles", "advice")
    assert "“Market moves”" in advice.message


def test_main_article_of_several_is_the_one_with_the_address_of_the_page() -> None:
    market = {**MARKET, "mainEntityOfPage": "https://news.example/market"}
    head = '<link rel="canonical" href="https://news.example/market">'
    found = read(several(FERRY, market, head=head))
    assert found.article is not None
    assert (found.article.headline, found.article.body_text) == (MARKET["headline"], MARKET["articleBody"])
    assert "“Ferry stays in port”" in found.problems[0].message


def test_teasers_of_other_pages_are_no_articles_left_out() -> None:
    teaser = {"headline": "Market moves", "url": "https://news.example/market"}
    found = read(several(FERRY, teaser))
    assert found.problems == ()
    assert found.article is not None
    assert found.article.origins["body_text"].name == "main-text/1"


def test_event_beside_the_article_is_mentioned_and_says_why() -> None:
    fair = {"@type": "Event", "name": "Fair", "startDate": "2025-10-01"}
    graph = {
        "@graph": [{"@type": "NewsArticle", "headline": "Ferry", "mentions": fair}, {**fair, "name": "Run"}]
    }
    article = read(page(f'<script type="application/ld+json">{json.dumps(graph)}</script>')).article
    assert article is not None
    named, beside = article.events
    assert named.origins["main"] == Origin("markup", "json-ld: mentions")
    assert (beside.main, beside.origins["main"]) == (False, Origin("markup", "json-ld: same page"))


def test_caption_of_a_picture_in_a_long_text_stays_with_it() -> None:
    prose = (
        "<p>{} stayed in port on Monday because of high waves, the port office said in the morning, and about"
        " two hundred people waited in the hall for several hours until it could leave.</p>"
    )
    ships = [prose.format(name) for name in ("The ferry", "The tug", "The pilot", "The trawler", "The yacht")]
    figure = (
        '<figure><img src="/b.jpg" alt="Bridge"><figcaption>The bridge at dusk. <i>Photo: J. Doe</i>'
        "</figcaption></figure>"
    )
    body = f"<article><h1>Waves</h1>{''.join(ships[:2])}{figure}{''.join(ships[2:])}</article>"
    article = read(page("", body), url="https://news.example/a").article
    assert article is not None
    assert article.body_html is not None
    caption = "<figcaption>The bridge at dusk. <i>Photo: J. Doe</i></figcaption></figure>"
    assert f'<figure><img src="https://news.example/b.jpg" alt="Bridge">{caption}' in article.body_html
    assert article.body_text.split("\n\n")[2] == "The bridge at dusk. Photo: J. Doe"
    assert html_to_text(article.body_html) == article.body_text


def test_local_pictures_keep_their_relative_path() -> None:
    body = (
        "<article><p>"
        + "A long enough text about a picture that lies beside the page. " * 8
        + "</p><img src='img/a.png' alt='x'></article>"
    )
    article = read(page('<meta property="og:image" content="img/top.png">', body)).article
    assert article is not None
    assert [image.url for image in article.images] == ["img/top.png"]


def test_declared_encoding_of_the_server_is_used() -> None:
    data = page("<title>Grüße</title>").encode("windows-1252")
    article = read(data, encoding="windows-1252").article
    assert article is not None
    assert article.headline == "Grüße"


@pytest.mark.parametrize(
    "markup", ["", "   ", "<html></html>", "<html><body><script>x()</script></body></html>", "<!---->"]
)
def test_page_without_text_is_refused(markup: str) -> None:
    found = read(markup)
    assert found.article is None
    assert found.refused


def test_short_page_is_read_whole() -> None:
    article = read("<h1>Fire out</h1><p>The fire is out.</p>").article
    assert article is not None
    assert (article.headline, article.body_text) == ("Fire out", "The fire is out.")


def test_rdfa_and_microformats_are_read_on_demand_only() -> None:
    rdfa = page(
        "",
        '<div vocab="https://schema.org/" typeof="NewsArticle"><h1 property="headline">From RDFa</h1>'
        '<p property="articleBody">The ferry stayed in port on Monday because of high waves.</p></div>',
    )
    assert (read(rdfa, syntaxes=("rdfa",)).article or pytest.fail("none")).origins[
        "headline"
    ].name == "rdfa: headline"
    assert (read(rdfa).article or pytest.fail("none")).origins["headline"].name == "h1"
    hentry = page(
        "",
        '<div class="h-entry"><h1 class="p-name">From hentry</h1><span class="p-author">Ida Falk</span>'
        '<time class="dt-published" datetime="2025-04-05">x</time><p class="e-content">The ferry stayed in port.</p></div>',
    )
    article = read(hentry, syntaxes=("microformat",)).article
    assert article is not None
    assert article.origins["headline"].name == "microformat: headline"
    assert [agent.name for agent in article.authors] == ["Ida Falk"]


@pytest.mark.parametrize(
    "markup",
    [
        "<div>" * 100_000 + "deep",
        "<p>" + "<b>" * 50_000 + "x" + "<p>y" * 20_000,
        "<p " + " ".join(f"a{n}" for n in range(200_000)) + ">x",
        "<table>" * 30_000 + "x",
        '<script type="application/ld+json">' + "[" * 200_000 + "</script><p>x",
        '<script type="application/ld+json">{"@graph":' * 2_000 + "</script><p>x",
        "".join(
            f'<div itemscope itemtype="http://schema.org/NewsArticle"><b itemprop=a{n}>'
            for n in range(20_000)
        ),
        "<meta name=a content=b>" * 100_000,
        "<!--" * 200_000,
        "&amp;" * 300_000,
        "<time datetime=2025-01-01>" * 50_000,
        "\x00\x01\ud7ff<p>x" * 1000,
    ],
    ids=lambda markup: markup[:20],
)
def test_hostile_page_costs_bounded_time_and_raises_nothing(markup: str) -> None:
    read("<p>warm up</p>")
    started = time.perf_counter()
    found = read(f"<title>t</title>{markup}")
    assert time.perf_counter() - started < 10
    assert found.article is not None or found.problems


HEADING = "<h1>Bridge closed</h1>"
TEXT = "<p>The bridge was closed on 3 May 2024 after a lorry had broken through its deck, the town said.</p>"
MORE = "<p>It will be open again in the autumn, if the steel comes in time and the river stays low.</p>"


@pytest.mark.parametrize(
    ("below", "author", "published", "modified"),
    [
        ("<p><i>by Joan Pettifer</i></p><p><i>31 January 2026</i></p>", "Joan Pettifer", "2026-01-31", None),
        ("<p>By Joan Pettifer | 31 January 2026</p>", "Joan Pettifer", "2026-01-31", None),
        (
            "<div>Published: 31 January 2026</div><div>Updated: 2 February 2026</div>",
            None,
            "2026-01-31",
            "2026-02-02",
        ),
        ("<p>Von Eva Kern</p><p>Veröffentlicht am 31. Januar 2026</p>", "Eva Kern", "2026-01-31", None),
        # the date of an event, a sentence, a caption, a footer
        ("<p>31 January 2026</p>", None, None, None),
        ("<p>On 31 January 2026 the bridge was closed.</p>", None, None, None),
        ("<figure><figcaption>By Joan Pettifer</figcaption></figure>", None, None, None),
        (MORE + "<p>Published: 31 January 2026</p>", None, None, None),
    ],
)
def test_byline_and_date_below_the_heading(
    below: str, author: str | None, published: str | None, modified: str | None
) -> None:
    article = read(
        f"<title>Bridge closed</title><body>{HEADING}{below}{TEXT}{MORE}<footer>© 2023</footer></body>"
    ).article
    assert article is not None
    assert [agent.name for agent in article.authors] == ([author] if author else [])
    assert (article.published and article.published.value, article.modified and article.modified.value) == (
        published, modified,
    )  # fmt: skip
    if author:
        assert article.origins["authors"].name == "byline in the page"
        assert author in (article.origins["authors"].quote or "")
        assert author not in article.body_text
    if published:
        assert published[:4] not in article.body_text.split("\n\n")[0]
    assert "closed on 3 May 2024" in article.body_text


def test_of_far_too_many_things_it_is_told_that_some_were_left_out() -> None:
    graph = json.dumps({"@graph": [{"@type": "Event", "name": f"E{n}"} for n in range(5_001)]})
    found = read(page(f'<title>T</title><script type="application/ld+json">{graph}</script>'))
    assert ("too-long", "advice") in rules(found)
