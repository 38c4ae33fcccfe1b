"""The front page and the pages of sections and the like, read back by lxml's HTML parser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from feedpub.config import Site
from feedpub.models import Alternate, Entry
from feedpub.urls import is_http_url
from feedpub.verification import carried
from feedpub.verification.differences import ITEMS, Difference, Fields, Place, compared, indexed, sequence
from feedpub.verification.facts import Facts, facts_of
from feedpub.verification.htmltrees import canonical, classed, meta, parsed, shown
from feedpub.verification.statements import each
from feedpub.verification.texts import cleaned, folded

FRONT_PAGE, LISTING = "front page", "listing"
_IN_A_SECTION = 4
_READERS = ("application/rss+xml", "application/atom+xml", "application/feed+json", "text/calendar")


@dataclass(frozen=True, slots=True)
class Listed:
    """What a list should show: its `title` is a section's or the like, None on the front page.

    `entries` are all that it was made of, of which the first `limit` stand in the list itself;
    `events` those to come; `alternates` all that there is to subscribe to.
    """

    path: str
    site: Site
    title: str | None
    entries: Sequence[Entry]
    events: Sequence[Entry]
    alternates: Sequence[Alternate]
    limit: int

    @property
    def kind(self) -> str:
        """The format's name."""
        return FRONT_PAGE if self.title is None else LISTING

    @property
    def up(self) -> str:
        """What leads from the page to the folder's root."""
        return "../" * self.path.count("/") or "./"

    def far(self, reference: str) -> str:
        """An address on the page as an absolute one: those of our own are relative to the root."""
        return self.site.url + reference[len(self.up) :] if reference.startswith(self.up) else reference

    def address(self, entry: Entry) -> str:
        """Where the page should lead for an article."""
        return cleaned(self.site.url + entry.page_path if entry.page_path else entry.url)


def differences(content: bytes, listed: Listed) -> tuple[Difference, ...]:
    """All differences between such a page and what it should show."""
    place = Place(listed.path, listed.kind)
    try:
        tree = parsed(content)
    except ValueError as error:
        return place.refused(error)
    stories = stories_of(tree, listed)
    wanted = [_story(entry, listed) for entry in listed.entries[: listed.limit]]
    found = list(_compared(place, wanted, stories))
    events = [_event(entry, listed) for entry in listed.events]
    found += _compared(place, events, [_event_line(line, listed) for line in lines_of(tree)])
    found += compared(place, None, _frame(listed), _frame_of(tree, listed))
    if listed.title is None:
        found += _sections(place, tree, listed)
    return tuple(found)


# -- articles


def stories_of(tree: Any, listed: Listed) -> list[dict[str, Any]]:
    """What the page shows of each article, in its order."""
    return [_story_shown(article, tree, listed) for article in tree.iter("article")]


def _story_shown(article: Any, tree: Any, listed: Listed) -> dict[str, Any]:
    link = article.find("h3/a")
    by = next(iter(classed(article, "p", "meta")), None)
    time = by.find("time") if by is not None else None
    image = article.find("img")
    own = article.get("lang") or (article.getparent().get("lang") if article.getparent().tag == "li" else "")
    return {
        "url": listed.far(link.get("href", "")) if link is not None else "",
        "title": shown(article, "h3"),
        "summary": " ".join(folded(p.text_content()) for p in classed(article, "p", "sum")),
        "published": folded(time.get("datetime")) if time is not None else "",
        "authors": _parts(shown(by, "bdi")),
        "categories": " ".join(folded(p.text_content()) for p in classed(article, "p", "kicker")),
        "language": folded(own) or tree.get("lang", ""),
        "enclosures": _picture_shown(image, listed) if image is not None else (),
    }


def _story(entry: Entry, listed: Listed) -> tuple[str, dict[str, Any], str]:
    """An article's id, what should be shown of it, and the text of which its summary may be the beginning."""
    facts = _facts(entry)
    section = next(iter(facts.sections), "")
    fields = {
        "url": listed.address(entry),
        "title": facts.title or folded(facts.url),
        "summary": facts.summary,
        "published": facts.stated[0],
        "authors": _parts(", ".join(carried.names(facts.authors))),
        # The page's own section need not be told at each of its articles.
        "categories": "" if section == folded(listed.title) else section,
        "language": facts.language or listed.site.language or "",
        "enclosures": _picture(entry),
    }
    return entry.id, fields, facts.body


def _facts(entry: Entry) -> Facts:
    # Lists show no body; reading it would take most of the time.
    return facts_of(replace(entry, html="", events=(), media=()))


def _parts(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(filter(None, (part.strip() for part in text.split(",")))))


def _picture(entry: Entry) -> tuple[str, ...]:
    for image in each(entry.data.get("image")):
        node: Mapping[str, Any] = image if isinstance(image, Mapping) else {"url": image}
        url = next((u for u in (*each(node.get("url")), *each(node.get("contentUrl"))) if u), "")
        if isinstance(url, str) and is_http_url(url):
            width, height = node.get("width"), node.get("height")
            sized = isinstance(width, int) and isinstance(height, int) and width > 0 and height > 0
            return (cleaned(url), f"{width} × {height}" if sized else "")
    return ()


def _picture_shown(image: Any, listed: Listed) -> tuple[str, ...]:
    width, height = image.get("width"), image.get("height")
    return (listed.far(image.get("src", "")), f"{width} × {height}" if width and height else "")


def _compared(
    place: Place, wanted: Sequence[tuple[str, dict[str, Any], str]], found: Sequence[dict[str, Any]]
) -> Iterator[Difference]:
    """Which of these a page lacks or has too much, and what it says otherwise of each."""
    ids: dict[str, list[str]] = {}
    for identifier, fields, _ in wanted:
        ids.setdefault(_key(fields), []).append(identifier)
    there = [ids[key].pop(0) if ids.get(key := _key(fields)) else key for fields in found]
    yield from sequence(place, [identifier for identifier, *_ in wanted], there)
    known = indexed(zip(there, found, strict=True))
    for identifier, fields, body in wanted:
        if identifier in known:
            yield from compared(
                place, identifier, _as_shown(fields, known[identifier], body), known[identifier]
            )


def _key(fields: Fields) -> str:
    return str(fields["url"] or fields["title"])


def _as_shown(wanted: dict[str, Any], found: Fields, body: str) -> dict[str, Any]:
    """`wanted`, where a list may say the same in other words."""
    said, where = found.get("summary"), found.get("place")
    same = dict(wanted)
    if not wanted.get("summary") and said and body.startswith(said.removesuffix(" …")):
        same["summary"] = said  # without a summary the beginning of the text stands there
    if where and wanted.get("place") is not None and all(name in where for name in wanted["place"]):
        same["place"] = where  # with the address, which is left to the event's own page
    return same


# -- events


def lines_of(tree: Any) -> list[Any]:
    """The elements that tell of events to come."""
    return [line for section in classed(tree, "section", "side") for line in section.iterfind("ul/li")]


def _event_line(line: Any, listed: Listed) -> dict[str, Any]:
    what = next(iter(classed(line, "span", "what")), None)
    link = what.find("a") if what is not None else None
    name = link.text_content() if link is not None else what.text if what is not None else ""
    time = line.find("time")
    return {
        "url": listed.far(link.get("href", "")) if link is not None else "",
        "title": folded(name),
        "start": folded(time.get("datetime")) if time is not None else "",
        "place": shown(line, "bdi"),
    }


def _event(entry: Entry, listed: Listed) -> tuple[str, dict[str, Any], str]:
    facts, places = _facts(entry), each(entry.data.get("location"))
    names = (place.get("name") if isinstance(place, Mapping) else place for place in places)
    fields = {
        "url": _event_address(entry, listed),
        "title": facts.title,
        "start": folded(entry.data.get("startDate")),
        "place": tuple(folded(name) for name in names if isinstance(name, str)) if places else None,
    }
    return entry.id, fields, ""


def _event_address(entry: Entry, listed: Listed) -> str:
    """Our page about it, else the address that it states, else on the front page the article that reports it."""
    if entry.page_path:
        return cleaned(listed.site.url + entry.page_path)
    own = next((url for url in each(entry.data.get("url")) if isinstance(url, str) and url.strip()), "")
    if is_http_url(own):
        return cleaned(own)
    articles = {article.id: listed.address(article) for article in listed.entries if listed.title is None}
    reports = [node.get("@id") for node in each(entry.data.get("subjectOf")) if isinstance(node, Mapping)]
    return next((articles[report] for report in reports if report in articles), "")


# -- the page as a whole


def _frame(listed: Listed) -> dict[str, Any]:
    site, front = listed.site, listed.title is None
    name = folded(site.title)
    offered = [alternate for alternate in listed.alternates if _type(alternate) in _READERS]
    return {
        "title": (name, name) if front else (folded(f"{listed.title} – {site.title}"), folded(listed.title)),
        "summary": folded(site.description) if front else "",
        "language": site.language or "",
        "links": (
            cleaned(site.url + listed.path.removesuffix("index.html")),
            tuple((_type(a), folded(a.title), cleaned(a.url)) for a in _discovered(offered)),
            tuple(sorted((cleaned(a.url), a.media_type) for a in listed.alternates)),
        ),
    }


def _frame_of(tree: Any, listed: Listed) -> dict[str, Any]:
    alternates = [link for link in tree.iterfind(".//head/link") if link.get("rel") == "alternate"]
    cards = [a for section in classed(tree, "section", "feeds") for a in section.iter("a") if a.get("type")]
    return {
        "title": (shown(tree, ".//head/title"), shown(tree, ".//h1")),
        "summary": folded(next(iter(meta(tree, "name", "description")), "")),
        "language": tree.get("lang", ""),
        "links": (
            canonical(tree),
            tuple((a.get("type", ""), folded(a.get("title")), a.get("href", "")) for a in alternates),
            tuple(sorted((listed.far(a.get("href", "")), a.get("type", "")) for a in cards)),
        ),
    }


def _type(alternate: Alternate) -> str:
    return alternate.media_type.partition(";")[0].strip().lower()


def _discovered(offered: Sequence[Alternate]) -> Iterator[Alternate]:
    """The first feed in every format, and of each other the first: a feed stands in a folder of its own."""
    seen: set[str] = set()
    for alternate in offered:
        folder = alternate.url.rpartition("/")[0]
        if folder not in seen or folder == offered[0].url.rpartition("/")[0]:
            yield alternate
        seen.add(folder)


def _sections(place: Place, tree: Any, listed: Listed) -> Iterator[Difference]:
    """On the front page each section shows its first articles, where there are several sections."""
    by_name: dict[str, list[tuple[str, str]]] = {}
    for entry in listed.entries:
        facts = _facts(entry)
        for name in facts.sections:
            title = facts.title or folded(facts.url)
            by_name.setdefault(name, []).append((title, listed.address(entry)))
    wanted = {name: tuple(told[:_IN_A_SECTION]) for name, told in by_name.items()} if len(by_name) > 1 else {}
    found = {
        shown(box, "h3"): tuple(
            (folded(a.text_content()), listed.far(a.get("href", ""))) for a in box.iterfind("ul/li/a")
        )
        for grid in classed(tree, "div", "grid")
        for box in grid.iterfind("div")
    }
    for name in {**wanted, **found}:
        if wanted.get(name) != found.get(name):
            yield place.differs(ITEMS, f"{name}: {wanted.get(name)}", f"{name}: {found.get(name)}")
