"""The rules of the W3C feed validator, after its documentation: https://validator.w3.org/feed/docs/.

`messages` gives the names of the messages that a document would draw; each has a page in that
documentation. "UnknownNamespace", "DuplicateUpdated" and "ImplausibleDate" can be right in a
faithful feed; every other message means that something is wrong.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Set
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any

from lxml import etree

PREFIXES = {
    "http://www.w3.org/2005/Atom": "atom",
    "http://purl.org/rss/1.0/modules/content/": "content",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/syndication/history/1.0": "fh",
    "http://search.yahoo.com/mrss/": "media",
    "http://purl.org/rss/1.0/modules/syndication/": "sy",
    "http://www.w3.org/XML/1998/namespace": "xml",
}


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


RELATIONS = _words("alternate current enclosure hub license prev-archive next-archive related self via")
HISTORY = _words("current first last next next-archive prev-archive previous")
FEED_TYPES = _words("application/atom+xml application/rss+xml")
FEED_CHILDREN = _words(
    "author category contributor generator icon id link logo rights subtitle title updated entry fh:archive"
)
ENTRY_CHILDREN = _words(
    "author category content contributor id link published rights source summary title updated"
)
CHANNEL_CHILDREN = _words(
    "title link description language copyright managingEditor webMaster pubDate lastBuildDate category generator "
    "docs cloud ttl image item atom:link fh:archive sy:updatePeriod sy:updateFrequency"
)
ITEM_CHILDREN = _words(
    "title link description author category comments enclosure guid pubDate source content:encoded dc:creator "
    "dc:language media:content atom:updated"
)
SEVERAL = _words("author category contributor link entry item atom:link dc:creator media:content")
UNSAFE = _words("script style iframe object embed form base meta link frame frameset applet")

# RFC 2045 section 5.1, RFC 3986 section 2
_TOKEN = r"[A-Za-z0-9!#$%&'*+.^_`{|}~-]+"
MIME = re.compile(rf"{_TOKEN}/{_TOKEN}(; ?{_TOKEN}={_TOKEN})*")
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[A-Za-z0-9._~%:/?#\[\]@!$&'()*+,;=-]+")
UUID = re.compile(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
RFC822 = re.compile(
    r"(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d\d (Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) \d{4}"
    r" \d\d:\d\d:\d\d [+-]\d{4}"
)
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
EMAIL = re.compile(r"[\w.+'-]+@([A-Za-z0-9-]+\.)+[A-Za-z0-9-]+")
HTML_IN_TEXT = re.compile(r"</(a|b|em|i|p|div|span|strong|script)>|&(amp|lt|gt|quot|apos|copy|nbsp|#\w+)")
REFERENCE = re.compile(r"<(?:a\s+href|img\s+[^>]*src)=\"([^\"]*)\"", re.IGNORECASE)


def messages(document: bytes, url: str) -> set[str]:
    """The names of the messages that the document draws when it is read from `url`."""
    try:
        root = etree.fromstring(document, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return {"SAXError"}
    atom = etree.QName(root).namespace == "http://www.w3.org/2005/Atom"
    found = set(_everywhere(root))
    found |= set(_feed(root, url) if atom else _channel(root, url))
    return found


def name_of(element: Any) -> str:
    """An element's name: bare in the document's own vocabulary, else with its usual prefix."""
    name = etree.QName(element)
    own = etree.QName(element.getroottree().getroot()).namespace
    if name.namespace == own:
        return str(name.localname)
    return f"{PREFIXES.get(name.namespace, '?')}:{name.localname}"


def _everywhere(root: Any) -> Iterator[str]:
    for element in root.iter():
        spaces = {etree.QName(element).namespace, *element.nsmap.values()} - {None}
        if spaces - PREFIXES.keys():
            yield "UnknownNamespace"
        for text in (element.text or "", element.tail or "", *element.attrib.values()):
            if re.search("[\x80-\x9f\ufffd]", text):
                yield "BadCharacters"
        language = element.get("{http://www.w3.org/XML/1998/namespace}lang")
        if language is not None and not LANGUAGE.fullmatch(language):
            yield "InvalidLanguage"


def _children(parent: Any, known: Set[str]) -> Iterator[str]:
    for name, count in Counter(map(name_of, parent)).items():
        if name not in known and not name.startswith("?"):
            yield "UndefinedElement"
        if count > 1 and name not in SEVERAL:
            yield "DuplicateEnclosure" if name == "enclosure" else "DuplicateElement"
    if (parent.text or "").strip() or any((child.tail or "").strip() for child in parent):
        yield "UnexpectedText"


# -- Atom


def _feed(feed: Any, url: str) -> Iterator[str]:
    yield from _children(feed, FEED_CHILDREN)
    names = [name_of(child) for child in feed]
    yield from ("MissingElement" for name in ("title", "id", "updated") if name not in names)
    if "entry" in names and set(names[names.index("entry") :]) - {"entry", "?:deleted-entry"}:
        yield "MisplacedMetadata"
    links = [child for child in feed if name_of(child) == "link"]
    relations = [link.get("rel", "alternate") for link in links]
    if "self" not in relations:
        yield "MissingSelf"
    if "fh:archive" in names:
        if not {"prev-archive", "next-archive"} & set(relations):
            yield "ArchiveIncomplete"
        if "current" not in relations:
            yield "MissingCurrentInArchive"
    yield from _metadata(feed, url)
    entries = [child for child in feed if name_of(child) == "entry"]
    for name, message in (("id", "DuplicateEntries"), ("updated", "DuplicateUpdated")):
        values = [child.text for entry in entries for child in entry if name_of(child) == name]
        if len(set(values)) < len(values):
            yield message
    for entry in entries:
        yield from _entry(entry, with_author="author" not in names, url=url)


def _entry(entry: Any, *, with_author: bool, url: str) -> Iterator[str]:
    yield from _children(entry, ENTRY_CHILDREN)
    names = [name_of(child) for child in entry]
    needed = ["title", "id", "updated", *(["author"] if with_author else [])]
    yield from ("MissingElement" for name in needed if name not in names)
    relations = [child.get("rel", "alternate") for child in entry if name_of(child) == "link"]
    if "content" not in names:
        if "summary" not in names:
            yield "MissingTextualContent"
        if "alternate" not in relations:
            yield "MissingContentOrAlternate"
    if HISTORY & set(relations):
        yield "FeedHistoryRelInEntry"
    yield from _metadata(entry, url)


def _metadata(parent: Any, url: str) -> Iterator[str]:
    """What holds for the children of feeds and entries alike."""
    alternates = []
    for child in parent:
        name, text = name_of(child), child.text or ""
        if name == "id":
            yield from _uri(text, "InvalidFullLink")
        if name in ("id", "updated", "icon", "logo") and text != text.strip():
            yield "UnexpectedWhitespace"
        if name in ("icon", "logo"):
            yield from _uri(text, "InvalidLink")
        if name in ("updated", "published"):
            yield from _rfc3339(text)
        if name in ("title", "subtitle", "summary", "rights", "content"):
            yield from _text_construct(child)
        if name == "generator" and not text:
            yield "NotBlank"
        if name in ("author", "contributor"):
            yield from _person(child)
        if name == "category" and not child.get("term", "").strip():
            yield "MissingAttribute"
        if name == "link":
            yield from _link(child, url)
            if child.get("rel", "alternate") == "alternate":
                alternates.append((child.get("type", ""), child.get("hreflang", "")))
    if len(set(alternates)) < len(alternates):
        yield "DuplicateAtomLink"


def _text_construct(element: Any) -> Iterator[str]:
    kind, text = element.get("type", "text"), element.text or ""
    if kind not in ("text", "html"):
        yield "InvalidTextType"
    if not text:
        yield "NotBlank"
    if kind == "html":
        yield from _html(text)
    elif HTML_IN_TEXT.search(text):
        yield "ContainsUndeclaredHTML"


def _person(element: Any) -> Iterator[str]:
    yield from _children(element, _words("name uri email"))
    found = {name_of(child): child.text or "" for child in element}
    if "name" not in found:
        yield "MissingElement"
    elif not found["name"]:
        yield "NotBlank"
    if "uri" in found:
        yield from _uri(found["uri"], "InvalidFullLink")
    if "email" in found and not EMAIL.fullmatch(found["email"]):
        yield "InvalidContact"


def _link(link: Any, url: str) -> Iterator[str]:
    if set(link.attrib) - {"href", "rel", "type", "hreflang", "title", "length"}:
        yield "UnexpectedAttribute"
    if "href" not in link.attrib:
        yield "MissingHref"
        return
    yield from _uri(link.get("href"), "InvalidFullLink")
    relation, kind = link.get("rel", "alternate"), link.get("type")
    if relation not in RELATIONS:
        yield "UnregisteredAtomLinkRel"
    if kind is not None and not MIME.fullmatch(kind):
        yield "InvalidMIMEType"
    if relation == "self":
        if kind is not None and kind not in FEED_TYPES:
            yield "SelfNotAtom"
        if link.get("href") != url:
            yield "SelfDoesntMatchLocation"
    if link.get("title") == "":
        yield "AttrNotBlank"
    if not re.fullmatch(r"\d+", link.get("length", "0")):
        yield "InvalidNonNegativeInteger"
    if len(link) or (link.text or "").strip():
        yield "AtomLinkNotEmpty"


# -- RSS


def _channel(root: Any, url: str) -> Iterator[str]:
    channel = root.find("channel")
    if root.get("version") != "2.0":
        yield "InvalidRSSVersion"
    yield from _children(channel, CHANNEL_CHILDREN)
    names = [name_of(child) for child in channel]
    yield from (f"Missing{name.title()}" for name in ("title", "link", "description") if name not in names)
    if "item" in names and set(names[names.index("item") :]) != {"item"}:
        yield "MisplacedItem"
    links = [child for child in channel if name_of(child) == "atom:link"]
    if "self" not in [link.get("rel") for link in links]:
        yield "MissingAtomSelfLink"
    for link in links:
        yield from _link(link, url)
    for child in channel:
        name, text = name_of(child), child.text or ""
        if name in ("title", "description", "copyright") and HTML_IN_TEXT.search(text):
            yield "ContainsHTML"
        if name == "title" and not text.strip():
            yield "NotBlank"
        if name in ("link", "docs"):
            yield from _uri(text, "InvalidFullLink")
        if name == "language" and not LANGUAGE.fullmatch(text):
            yield "InvalidLanguage"
        if name in ("pubDate", "lastBuildDate"):
            yield from _rfc822(text)
        if name in ("ttl", "sy:updateFrequency") and not re.fullmatch("[1-9][0-9]*", text):
            yield "InvalidPositiveInteger"
        if name == "sy:updatePeriod" and text not in ("hourly", "daily", "weekly", "monthly", "yearly"):
            yield "InvalidUpdatePeriod"
    image = channel.find("image")
    if image is not None:
        if image.findtext("title") != channel.findtext("title"):
            yield "ImageTitleDoesntMatch"
        if image.findtext("link") != channel.findtext("link"):
            yield "ImageLinkDoesntMatch"
        yield from _uri(image.findtext("url", ""), "InvalidFullLink")
    guids = channel.xpath("item/guid/text()")
    if len(set(guids)) < len(guids):
        yield "DuplicateValue"
    for item in channel.iterfind("item"):
        yield from _item(item)


def _item(item: Any) -> Iterator[str]:
    yield from _children(item, ITEM_CHILDREN)
    names = [name_of(child) for child in item]
    if not {"title", "description"} & set(names):
        yield "ItemMustContainTitleOrDescription"
    if "guid" not in names:
        yield "MissingGuid"
    if "content:encoded" in names and "description" not in names[: names.index("content:encoded")]:
        yield "NeedDescriptionBeforeContent"
    if {"author", "dc:creator"} <= set(names):
        yield "DuplicateItemSemantics"
    for child in item:
        name, text = name_of(child), child.text or ""
        if name in ("title", "category"):
            if not text.strip():
                yield "NotBlank"
            if HTML_IN_TEXT.search(text):
                yield "ContainsHTML"
        if name in ("description", "content:encoded"):
            yield from _html(text)
        if name == "link":
            yield from _uri(text, "InvalidFullLink")
        if name == "guid":
            yield from _guid(child.get("isPermaLink", "true"), text)
        if name == "pubDate":
            yield from _rfc822(text)
        if name == "atom:updated":
            yield from _rfc3339(text)
        if name == "dc:language" and not LANGUAGE.fullmatch(text):
            yield "InvalidLanguage"
        if name in ("enclosure", "media:content"):
            yield from _file(child, required=name == "enclosure")


def _guid(permalink: str, text: str) -> Iterator[str]:
    if permalink not in ("true", "false"):
        yield "InvalidBooleanAttribute"
    elif permalink == "true" and not text.startswith(("http://", "https://")):
        yield "InvalidPermalink" if text.startswith(("urn:uuid:", "tag:")) else "InvalidHttpGUID"
    elif permalink == "false" and len(text) < 9 and text.isdigit():
        yield "NotSufficientlyUnique"


def _file(element: Any, *, required: bool) -> Iterator[str]:
    given = element.attrib
    if required and not {"url", "length", "type"} <= set(given):
        yield "MissingAttribute"
    if not re.fullmatch(r"https?://\S+", given.get("url", "")):
        yield "InvalidURLAttribute"
    if not MIME.fullmatch(given.get("type", "a/b")):
        yield "InvalidMIMEAttribute"
    if not re.fullmatch(r"\d+", given.get("length", "0")):
        yield "InvalidIntegerAttribute"
    for name in ("fileSize", "width", "height"):
        if not re.fullmatch("[1-9][0-9]*", given.get(name, "1")):
            yield "InvalidPositiveInteger"
    if given.get("medium", "image") not in ("image", "audio", "video", "document", "executable"):
        yield "InvalidMediaMedium"


# -- values


def _uri(text: str, message: str) -> Iterator[str]:
    if text.lower().startswith("urn:uuid:"):
        if not UUID.fullmatch(text):
            yield "InvalidUUID"
    elif not URI.fullmatch(text):
        yield message


def _html(text: str) -> Iterator[str]:
    if any(re.search(rf"<{name}\b", text, re.IGNORECASE) for name in UNSAFE):
        yield "SecurityRisk"
    if any(not re.match(r"\w+:", reference) for reference in REFERENCE.findall(text)):
        yield "ContainsRelRef"


def _rfc3339(text: str) -> Iterator[str]:
    try:
        year = datetime.fromisoformat(text).year if RFC3339.fullmatch(text) else 0
    except ValueError:
        year = 0
    if not year:
        yield "InvalidRFC3339Date"
    elif year < 1990:
        yield "ImplausibleDate"


def _rfc822(text: str) -> Iterator[str]:
    moment = parsedate_to_datetime(text) if RFC822.fullmatch(text) else None
    if moment is None:
        yield "InvalidRFC2822Date"
    elif f"{moment:%a}" != text[:3]:
        yield "IncorrectDOW"
    elif moment.year < 1990:
        yield "ImplausibleDate"
