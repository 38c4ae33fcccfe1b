"""What stands where an article was: that it was withdrawn, or where it is now; read by lxml's HTML parser."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from feedpub.config import Site
from feedpub.formats.wording import PHRASES
from feedpub.models import Entry
from feedpub.verification.differences import Difference, Place, compared
from feedpub.verification.facts import facts_of
from feedpub.verification.htmltrees import canonical, meta, parsed, refreshed
from feedpub.verification.texts import cleaned, folded

NOTICE, REDIRECT = "notice", "redirect"


def withdrawn_differences(path: str, content: bytes, entry: Entry, site: Site) -> tuple[Difference, ...]:
    """All that is missing in the notice of a withdrawn article or event, and all that it tells of it."""
    place = Place(path, NOTICE)
    try:
        tree = parsed(content)
    except ValueError as error:
        return place.refused(error)
    wanted = {"withdrawn": (_day(entry.withdrawn_at, site),), "links": _home(path), "robots": ("noindex",)}
    said = {
        "withdrawn": tuple(time.get("datetime", "") for time in tree.iter("time")),
        "links": _leads(tree),
        "robots": tuple(folded(content) for content in meta(tree, "name", "robots")),
    }
    found = [*compared(place, entry.id, wanted, said), *_bare(place, tree, site, entry.id)]
    name = facts_of(entry).title
    # A name that a notice may well contain of itself ("Event") proves nothing.
    if (
        name
        and name in folded(str(tree.find(".//body").text_content()))
        and name not in _own_words(tree, site)
    ):
        found.append(place.differs("title", None, name, entry.id))
    return tuple(found)


def redirect_differences(path: str, content: bytes, entry: Entry, site: Site) -> tuple[Difference, ...]:
    """All differences of a page that leads to where the article is now."""
    place, target = Place(path, REDIRECT), cleaned(entry.url)
    try:
        tree = parsed(content)
    except ValueError as error:
        return place.refused(error)
    wanted = {"links": (target, target, (*_home(path), target))}
    said = {"links": (canonical(tree), refreshed(tree), _leads(tree))}
    return (*compared(place, entry.id, wanted, said), *_bare(place, tree, site, entry.id))


def _bare(place: Place, tree: Any, site: Site, identifier: str) -> Iterator[Difference]:
    """What a notice must not hold: records, pictures, and anything told to other programs; and its language."""
    for tag in ("script", "img", "picture", "video", "audio", "iframe"):
        if tree.find(f".//{tag}") is not None:
            yield place.differs("items", f"no {tag}", f"a {tag}", identifier)
    told = [m.get("property") or m.get("name") for m in tree.iterfind(".//head/meta") if m.get("content")]
    for name in told:
        if name and name not in ("viewport", "robots"):
            yield place.differs("items", f"no {name}", name, identifier)
    languages = (folded(site.language).replace("_", "-").partition("-")[0].lower(), "en")
    if tree.get("lang", "") not in languages:
        yield place.differs("language", languages[0] or languages[1], tree.get("lang", ""), identifier)


def _leads(tree: Any) -> tuple[str, ...]:
    """Where its links lead, those within the page left out, each once."""
    found = (a.get("href", "") for a in tree.iter("a"))
    return tuple(sorted({href for href in found if not href.startswith("#")}))


def _home(path: str) -> tuple[str, ...]:
    return ("../" * path.count("/") + "index.html" if "/" in path else "./index.html",)


def _day(moment: datetime | None, site: Site) -> str:
    try:
        zone: Any = ZoneInfo(site.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        zone = UTC
    return moment.astimezone(zone).date().isoformat() if moment else ""


def _own_words(tree: Any, site: Site) -> str:
    words = PHRASES.get(tree.get("lang", ""), {})
    times = (str(time.text_content()) for time in tree.iter("time"))
    return folded(" ".join((*words.values(), site.title, *times)))
