"""HTML page → Article: what the page states about itself, and the text that is left without its frame.

Where several places state the same field, the one that was written for machines wins:

    json-ld > microdata (> RDFa > microformats) > OpenGraph and meta > markup > main-text extractor

What a loser says is kept among the origins as "field~its name" ("headline~og:title"), and two
publication dates more than a day apart are an advice. Markup means `<link rel=canonical>`,
`<html lang>`, `<time>`, `<h1>` and `<title>`. The main-text extractor (trafilatura) gives the body,
and an author where the page marks one up; it is never asked for a date, because it guesses one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from feedpub import dates, urls
from feedpub.extraction import (
    encoding,
    language,
    mainarticle,
    maintext,
    pagedata,
    sanitise,
    structured,
    things,
    titles,
    values,
    visible,
)
from feedpub.extraction.settings import ExtractSettings
from feedpub.extraction.values import Node, Reading
from feedpub.models import Article, Document, EventMention, Extraction, Image, Origin, Problem, When

if TYPE_CHECKING:
    from lxml.etree import _Element

_XML_DECLARATION = re.compile(r"\A\s*<\?xml[^>]{0,200}\?>")

_META = {
    "headline": (
        "og:title", "twitter:title", "parsely-title", "dc.title", "dcterms.title", "sailthru.title",
    ),
    "description": (
        "og:description", "description", "twitter:description", "dc.description", "dcterms.description",
    ),
    "published": (
        "article:published_time", "og:article:published_time", "article:published", "datepublished",
        "parsely-pub-date", "sailthru.date", "dcterms.issued", "dc.date.issued", "dcterms.created",
        "dc.date.created", "dc.date", "dcterms.date", "pubdate", "publishdate", "publish-date",
        "publish_date", "publication_date", "publication-date", "date",
    ),
    "modified": (
        "article:modified_time", "og:article:modified_time", "og:updated_time", "datemodified",
        "dcterms.modified", "dc.date.modified", "lastmod", "last-modified", "last_modified",
    ),
    "authors": (
        "author", "article:author", "parsely-author", "dc.creator", "dcterms.creator", "byl",
        "sailthru.author",
    ),
    "sections": ("article:section", "og:article:section", "parsely-section"),
    "keywords": ("article:tag", "news_keywords", "keywords", "parsely-tags", "sailthru.tags"),
    "language": ("og:locale", "content-language", "dc.language", "dcterms.language"),
    "url": ("og:url",),
}  # fmt: skip


def read(document: Document, settings: ExtractSettings) -> Extraction:
    """The article of a page with its events, or the events of a page that has no article.

    Args:
        document: The page; its `encoding` is what the server declared, if any.
        settings: `dayfirst` settles dates like 03/04/2025; `syntaxes` says what structured data to
            read besides the usual.
    """
    decoded = encoding.decode(document.data, document.encoding or pagedata.declared_charset(document.data))
    problems = list(decoded.problems)
    if any(problem.severity == "error" for problem in problems):
        return Extraction(problems=tuple(problems))
    markup = _XML_DECLARATION.sub("", decoded.text, count=1)
    tree = sanitise.parsed(markup)
    if tree is None:
        return Extraction(problems=(*problems, _no_text()))

    canonical = _canonical(tree, document.url)
    base_url = _base(tree, document.url or canonical)
    data = pagedata.collect(tree, markup, base_url=base_url, more=settings.syntaxes)
    problems += data.problems
    base_url = base_url or values.url(data.meta.get("og:url"), Reading())

    nodes = _with_main_entities(data.all_nodes())
    reading = Reading(base_url, settings.dayfirst, structured.index_of(node for _, node in nodes))
    page = _Page(document, reading, problems)
    page.take_structured(nodes, canonical, data.meta)
    events = page.events(nodes)
    if events and not page.has_article and not _says_article(data.meta):
        return Extraction(events=events, problems=tuple(problems))

    page.take_meta(data.meta)
    page.take_visible(tree)
    page.take_markup(tree, canonical, data.meta)
    captions = maintext.captions(tree, base_url)
    page.take_body(maintext.main_text(tree, base_url), captions)
    if "authors" not in page.fields:
        page.put("authors", maintext.marked_author(tree), Origin("markup", "byline in the page"))
    page.settle_dates()
    if not page.fields.get("body_text"):
        if events:
            return Extraction(events=events, problems=tuple(problems))
        return Extraction(problems=(*problems, _no_text()))
    return Extraction(article=page.article(events), problems=tuple(problems))


class _Page:
    """Collects an article's fields in the order of trust; the first value stays, later ones are noted."""

    def __init__(self, document: Document, reading: Reading, problems: list[Problem]) -> None:
        self.document = document
        self.reading = reading
        self.problems = problems
        self.fields: dict[str, Any] = {}
        self.origins: dict[str, Origin] = {}
        self.has_article = False
        self._apart: set[str] = set()
        self._stated_body: list[tuple[str, str, str | None]] = []
        self._dates: dict[str, list[tuple[str, When]]] = {"published": [], "modified": []}
        self._unread: list[tuple[str, Problem]] = []

    def put(self, field: str, value: Any, origin: Origin) -> None:
        """Set a field that has no value yet; note the value of one that has a different one."""
        if value in (None, (), ""):
            return
        if isinstance(value, When) and field in self._dates:
            self._dates[field].append((origin.name, value))
        if field not in self.fields:
            self.fields[field] = value
            self.origins[field] = origin
        elif value != self.fields[field]:
            shown = origin.quote or (value if isinstance(value, str) else None)
            name = origin.name.replace(": ", ":")
            self.origins.setdefault(f"{field}~{name}", replace(origin, quote=shown[:500] if shown else None))

    def take_structured(
        self, nodes: list[tuple[str, Node]], canonical: str | None, meta: Mapping[str, list[str]]
    ) -> None:
        """The article node of each syntax: where there are several, the one that is this page."""
        for syntax in dict.fromkeys(syntax for syntax, _ in nodes):
            candidates = [node for name, node in nodes if name == syntax and structured.is_article(node)]
            if not candidates:
                continue
            here = {urls.canonical(url) for url in (canonical, self.document.url) if url}
            shown = " ".join((*meta.get("og:title", ()), *meta.get("twitter:title", ())))
            node, others = mainarticle.choose(candidates, here, shown, self.reading)
            self.problems += mainarticle.left_out(others, self.reading)
            self.has_article = True
            article, found = structured.article_from_schema_org(
                node, source="", place="", how=syntax, reading=self.reading
            )
            if article.body_text:
                self._stated_body.append((syntax, article.body_text, article.body_html))
                if any(map(mainarticle.states_text, others)):
                    self._apart.add(syntax)
            for problem in found:
                if problem.rule == "date-unreadable":
                    self._unread.append((_field_of(problem), problem))
                else:
                    self.problems.append(problem)
            for field, origin in article.origins.items():
                if field != "body_text":
                    self.put(field, getattr(article, field), origin)
            self._add_events(article.events)
            self.fields.setdefault("extra", article.extra)

    def _add_events(self, events: Iterable[EventMention]) -> None:
        self.fields["events"] = structured.distinct([*self.fields.get("events", ()), *events])

    def events(self, nodes: list[tuple[str, Node]]) -> tuple[EventMention, ...]:
        """The events of the page: those the article names first, then those that stand by themselves."""
        for syntax, node in nodes:
            if structured.is_event(node):
                found, remarks = structured.events_from_schema_org(
                    node, how=syntax, reading=self.reading, tie="same page"
                )
                self._add_events(found)
                self.problems += remarks
        events: tuple[EventMention, ...] = self.fields.get("events", ())
        return events

    def take_meta(self, meta: Mapping[str, list[str]]) -> None:
        """OpenGraph and the meta elements."""
        for field, names in _META.items():
            for name in names:
                given = meta.get(name)
                if not given:
                    continue
                origin = Origin("markup", name, given[0][:500])
                value = self._meta_value(field, given, meta)
                if field in self._dates and value is None and not values.is_no_date(given):
                    self._note_unreadable(field, name, given[0])
                if field in ("sections", "keywords") and field in self.fields:
                    break
                self.put(field, value, origin)
        self.put("images", self._open_graph_images(meta), Origin("markup", "og:image"))

    def _meta_value(self, field: str, given: list[str], meta: Mapping[str, list[str]]) -> Any:
        match field:
            case "published" | "modified":
                return values.when(given[0], self.reading)
            case "authors":
                return tuple(agent for name in given[:20] for agent in things.agents(name, self.reading))
            case "sections":
                return values.names(given)
            case "keywords":
                return values.names(given, split=True)
            case "language":
                return language.normalise(given[0])
            case "url":
                return values.url(given[0], self.reading)
            case "headline":
                line = values.line_of(given[0])
                return titles.without_site_name(line, self._site_names(meta)) if line else None
            case _:
                return values.line_of(given[0])

    def _site_names(self, meta: Mapping[str, list[str]]) -> set[str]:
        names = {
            line.casefold() for key in ("og:site_name", "application-name") for line in meta.get(key, ())
        }
        publisher = self.fields.get("publisher")
        return names | {publisher.name.casefold()} if publisher else names

    def _open_graph_images(self, meta: Mapping[str, list[str]]) -> tuple[Image, ...]:
        addresses = meta.get("og:image") or meta.get("og:image:url") or meta.get("og:image:secure_url")
        addresses = addresses or meta.get("twitter:image") or meta.get("twitter:image:src") or []
        found = things.images(addresses[:10], self.reading)
        if len(found) == 1 and len(addresses) == 1:
            alternative = meta.get("og:image:alt") or meta.get("twitter:image:alt") or [""]
            return (
                replace(
                    found[0],
                    width=values.number(meta.get("og:image:width")),
                    height=values.number(meta.get("og:image:height")),
                    alternative_text=values.line_of(alternative[0]),
                ),
            )
        return found

    def take_markup(self, tree: _Element, canonical: str | None, meta: Mapping[str, list[str]]) -> None:
        """Address, language, dates and headline as the page's own elements give them."""
        self.put("url", canonical, Origin("markup", "link rel=canonical"))
        tag = language.normalise(
            tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang") or ""
        )
        self.put("language", tag, Origin("markup", "html lang"))
        for link in tree.iterfind(".//link[@rel='license']"):
            self.put(
                "license", values.url(link.get("href"), self.reading), Origin("markup", "link rel=license")
            )
        element = next(tree.iter("title"), None)
        title = titles.text_of(element)
        if element is not None and titles.is_too_long(element):
            self.problems.append(
                values.too_long(
                    None, f"the title is longer than {titles.MAX_LINE:,} characters; the rest was left out"
                )
            )
        headings, rank = _headings(tree)
        heading = headings[0] if headings else None
        named = [
            text
            for text in headings
            if title
            and (
                text.casefold() in title.casefold()
                if rank == "h1"
                else title.casefold().startswith(text.casefold())
            )
        ]
        cut = titles.without_site_name(title, self._site_names(meta)) if title else None
        if named and cut and named[0].casefold() not in self._site_names(meta):
            self.put("headline", named[0], Origin("markup", rank, named[0]))
        elif len(headings) == 1 and heading and not cut:
            self.put("headline", heading, Origin("markup", rank, heading))
        self.put("headline", cut, Origin("markup", "title", title))

    def take_visible(self, tree: _Element) -> None:
        """The byline and the dates below the heading, which are no part of the text then, and `<time>`."""
        dayfirst = self.reading.dayfirst
        shown = visible.below_heading(tree, self.fields.get("headline"), dayfirst=dayfirst)
        self.put("authors", shown.authors, Origin("markup", "byline in the page", shown.byline))
        for field, (when, words, is_time) in shown.dates.items():
            self.put(field, when, Origin("markup", "time" if is_time else "date line in the page", words))
        for field, (when, words) in visible.times(tree, dayfirst=dayfirst, without=shown.times()).items():
            if field not in shown.dates:
                self.put(field, when, Origin("markup", "time", words[:200]))
        shown.remove()

    def take_body(self, body_html: str | None, captions: Mapping[str, str]) -> None:
        """The stated body if it is as long as the text of the page, else the text of the page."""
        text = sanitise.html_to_text(body_html) if body_html else ""
        if body_html and text:
            body_html, text = maintext.without_headline(body_html, text, self.fields.get("headline"))
        for syntax, stated, stated_html in self._stated_body:
            # The text of an element in RDFa or microdata has lost its paragraphs; JSON-LD and h-entry state them.
            is_marked = syntax == "microformat" and stated_html is not None
            # Where several articles stand on the page, its text is not that of one.
            if (
                text
                and syntax not in self._apart
                and not (
                    (syntax == "json-ld" or is_marked)
                    and maintext.is_better(stated, text, is_marked=is_marked)
                )
            ):
                continue
            self.fields["body_text"], self.fields["body_html"] = stated, stated_html
            self.origins["body_text"] = Origin("markup", f"{syntax}: articleBody")
            return
        if body_html and text:
            body_html = maintext.with_captions(body_html, captions)
            self.fields["body_text"] = sanitise.html_to_text(body_html)
            self.fields["body_html"] = body_html
            self.origins["body_text"] = Origin("rule", "main-text/1")

    def _note_unreadable(self, field: str, name: str, given: str) -> None:
        self._unread.append(
            (
                field,
                Problem(
                    "date-unreadable",
                    f"{name} is {given[:80]!r}, which is no date that can be read in one way only.",
                    "Write it as 2025-09-02 or 2025-09-02T14:30:00+02:00, the year with 4 digits; for 03/04/2025 set `dayfirst`.",
                    value=repr(given)[:200],
                ),
            )
        )

    def settle_dates(self) -> None:
        """An unreadable date is an error only if no other place states it; a conflict is advice."""
        for field, problem in self._unread:
            self.problems.append(replace(problem, severity="advice") if field in self.fields else problem)
        found = self._dates["published"]
        if len(found) > 1:
            name, first = found[0]
            for other_name, other in found[1:]:
                if _apart(first, other):
                    self.problems.append(
                        Problem(
                            "date-conflict",
                            f"{name} says {first.value}, {other_name} says {other.value}; the first counts.",
                            "Make the page state one date of publication.",
                            severity="advice",
                            value=repr(other.value),
                        )
                    )
                    break

    def article(self, events: tuple[EventMention, ...]) -> Article:
        """The article, finished."""
        fields = {**self.fields, "events": events}
        return Article(self.document.source, self.document.place, origins=self.origins, **fields)


def _canonical(tree: _Element, base: str | None) -> str | None:
    for number, link in enumerate(tree.iter("link")):
        if number > 1_000:
            break
        if "canonical" in (link.get("rel") or "").lower().split():
            found = urls.absolute(base, link.get("href") or "")
            if found:
                return found
    return None


def _headings(tree: _Element) -> tuple[list[str], str]:
    """The texts of the headings of the highest rank that the page has, and that rank."""
    for rank in ("h1", "h2"):
        found = [text for heading in tree.iter(rank) if (text := titles.text_of(heading))]
        if found:
            return found, rank
    return [], "h1"


def _base(tree: _Element, url: str | None) -> str | None:
    element = next(tree.iter("base"), None)
    stated = element.get("href") if element is not None else None
    return (urls.absolute(url, stated) if stated else None) or url


def _with_main_entities(nodes: list[tuple[str, Node]]) -> list[tuple[str, Node]]:
    """The nodes, and after each page or list the article or event that it says it is about."""
    found = []
    for syntax, node in nodes:
        found.append((syntax, node))
        if not structured.is_article(node):
            found += [
                (syntax, inner)
                for inner in values.items(node.get("mainEntity"))
                if isinstance(inner, Mapping) and (structured.is_article(inner) or structured.is_event(inner))
            ]
    return found


def _says_article(meta: Mapping[str, list[str]]) -> bool:
    kind = (meta.get("og:type") or [""])[0].strip().lower()
    return kind in ("article", "news", "newsarticle") or "article:published_time" in meta


def _apart(one: When, other: When) -> bool:
    """Whether two dates differ by more than a day, whatever their zones."""
    first, second = dates.instant(one, "UTC"), dates.instant(other, "UTC")
    if first is None or second is None:
        return False
    return abs(first - second) > timedelta(days=1)


def _field_of(problem: Problem) -> str:
    key = (problem.pointer or "").rpartition("/")[2]
    return {"datePublished": "published", "dateModified": "modified", "dateCreated": "created"}.get(key, key)


def _no_text() -> Problem:
    return Problem(
        "no-text",
        "The page holds no article text.",
        "If it is an overview or a video page, leave it out with `exclude`; if its text comes by script, "
        "save the page as the browser shows it.",
    )
