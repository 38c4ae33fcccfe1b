"""What a page states beside its text: JSON-LD, microdata, OpenGraph, and the meta elements of its head.

extruct reads the syntaxes, one call each, so that what is wrong with one costs only itself; of
JSON-LD each script is a call of its own. RDFa and microformats cost many times as much and are
read on demand only. What extruct leaves undone is done here: type attributes in any spelling,
`@graph`, comments around scripts, limits against hostile pages.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from feedpub.extraction import structured, values
from feedpub.extraction.values import Node, items, short_name
from feedpub.late import load_late
from feedpub.models import Problem

if TYPE_CHECKING:
    from lxml.etree import _Element

_MAX_SCRIPTS = 100
_MAX_SCRIPT_CHARS = 2_000_000
_MAX_SCOPES = 300
_MAX_PROPERTIES = 2_000
_MAX_META = 1_000
# Comments and CDATA marks that content management systems put around a script's JSON.
_WRAPPING = re.compile(
    r"\A\s*(?://|/\*)?\s*(?:<!--|<!\[CDATA\[)\s*(?:\*/|//)?|(?://|/\*)?\s*(?:-->|\]\]>)\s*(?:\*/)?[\s;]*\Z"
)

# pyRdfa reads pages as XML, in which a time's datetime means nothing: https://www.w3.org/TR/html-rdfa/#extensions-to-the-html5-syntax
_TIME = re.compile(r"(<time\b[^<>]*?\s)datetime(?=\s*=)", re.IGNORECASE)
_META_CHARSET = re.compile(
    rb"""<meta[^>]{1,200}?charset\s*=\s*["']?\s*([A-Za-z0-9_:.\-]{2,40})""", re.IGNORECASE
)
# What these labels mean on the web: https://encoding.spec.whatwg.org/#names-and-labels
_CHARSETS = {
    "iso-8859-1": "windows-1252", "iso8859-1": "windows-1252", "latin1": "windows-1252",
    "latin-1": "windows-1252",
    "us-ascii": "windows-1252", "ascii": "windows-1252", "gb2312": "gb18030", "gbk": "gb18030",
    "iso-8859-9": "windows-1254", "utf-16": "utf-8", "unicode": "utf-8", "x-sjis": "cp932",
    "shift_jis": "cp932",
}  # fmt: skip


@dataclass(slots=True)
class PageData:
    """The nodes found by syntax, the meta elements by lower-case name, and what was wrong."""

    nodes: dict[str, list[Node]] = field(default_factory=dict)
    meta: dict[str, list[str]] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def all_nodes(self) -> list[tuple[str, Node]]:
        """Every node with its syntax, the most trusted syntax first."""
        order = ("json-ld", "microdata", "rdfa", "microformat")
        return [(syntax, node) for syntax in order for node in self.nodes.get(syntax, ())]


def collect(
    tree: _Element, markup: str, *, base_url: str | None = None, more: Iterable[str] = ()
) -> PageData:
    """Everything that a page states about itself.

    Args:
        tree: The parsed page.
        markup: The page as text, for the syntaxes that need it.
        base_url: The page's address, for relative addresses in microdata and RDFa.
        more: What to read besides JSON-LD, microdata and OpenGraph: "rdfa", "microformat".
    """
    data = PageData()
    wanted = set(more)
    data.nodes["json-ld"] = _json_ld(tree, data.problems)
    if _has_microdata(tree, data.problems):
        found = _extruct(tree, "microdata", base_url, data.problems)
        data.nodes["microdata"] = [_from_microdata(item) for item in found if isinstance(item, Mapping)]
    if "rdfa" in wanted:
        found = _extruct(_TIME.sub(r"\1content", markup), "rdfa", base_url, data.problems)
        data.nodes["rdfa"] = [_from_rdfa(item) for item in found if isinstance(item, Mapping)]
    if "microformat" in wanted:
        found = _extruct(markup, "microformat", base_url, data.problems)
        data.nodes["microformat"] = [node for item in found for node in _from_microformat(item)]
    if tree.find(".//meta[@property]") is not None:
        for item in _extruct(tree, "opengraph", base_url, data.problems):
            for name, value in item.get("properties", ()):
                data.meta.setdefault(name.strip().lower(), []).append(value)
    _read_meta(tree, data.meta)
    return data


def _extruct(source: Any, syntax: str, base_url: str | None, problems: list[Problem]) -> list[Any]:
    load_late("mf2py")
    import extruct

    try:
        return list(extruct.extract(source, base_url=base_url, syntaxes=[syntax], errors="strict")[syntax])
    except Exception as error:  # extruct and the parsers below it raise what they like on odd markup
        logging.getLogger(__name__).debug("structured data unreadable", exc_info=error)
        problems.append(
            Problem(
                f"{syntax}-broken",
                f"The page's {syntax} data could not be read ({type(error).__name__}); they were left out.",
                "Check the page with a structured data validator such as validator.schema.org.",
                severity="advice",
            )
        )
        return []


def _json_ld(tree: _Element, problems: list[Problem]) -> list[Node]:
    found: list[Node] = []
    scripts = [
        script
        for script in tree.iter("script")
        if (script.get("type") or "").partition(";")[0].strip().lower() == "application/ld+json"
    ]
    broken: list[tuple[_Element, str, int]] = []
    for script in scripts[:_MAX_SCRIPTS]:
        text = script.text or ""
        if not text.strip():
            continue
        if len(text) > _MAX_SCRIPT_CHARS:
            broken.append((script, f"is longer than {_MAX_SCRIPT_CHARS:,} characters", 0))
            continue
        try:
            nodes = structured.flatten(
                _one_script(_WRAPPING.sub("", text) if "<!" in text or "-->" in text else text)
            )
            found += nodes
            problems += _cut(nodes)
        except (ValueError, RecursionError) as error:
            line = error.lineno - 1 if isinstance(error, json.JSONDecodeError) else 0
            reason = error.msg if isinstance(error, json.JSONDecodeError) else type(error).__name__
            broken.append((script, f"cannot be read ({reason})", line))
    if len(scripts) > _MAX_SCRIPTS:
        broken.append((scripts[_MAX_SCRIPTS], f"comes after {_MAX_SCRIPTS} others", 0))
    rest = "; the others were read" if found else ""
    problems += [
        _json_ld_problem(script, f"{what}, so it was left out{rest}", line) for script, what, line in broken
    ]
    return found


def _cut(nodes: list[Node]) -> list[Problem]:
    if len(nodes) < structured.MAX_NODES:
        return []
    return [
        values.too_long(
            None, f"a script describes more than {structured.MAX_NODES:,} things; the rest was left out"
        )
    ]


def _one_script(text: str) -> list[Any]:
    load_late("mf2py")
    import extruct
    from lxml import html as lxml_html

    # A document of its own for each: one that is malformed would lose all of the page's.
    alone = lxml_html.Element("html")
    script = lxml_html.Element("script", type="application/ld+json")
    script.text = text.strip().rstrip(";")
    alone.append(script)
    try:
        found = list(extruct.extract(alone, syntaxes=["json-ld"], errors="strict")["json-ld"])
        return values.whole(found, text)  # type: ignore[no-any-return]
    except ValueError:
        json.loads(text, strict=False)  # says where it is broken, counted in the script as it stands
        raise


def _json_ld_problem(script: _Element, what: str, lines_below: int) -> Problem:
    return Problem(
        "json-ld-broken",
        f"A JSON-LD script of the page {what}.",
        "Correct the JSON: often it is a missing comma, or a quotation mark or line break within a text.",
        severity="advice",
        line=(script.sourceline or 1) + lines_below,
    )


def _has_microdata(tree: _Element, problems: list[Problem]) -> bool:
    scopes = properties = 0
    useful = False
    for element in tree.iter():
        attributes = element.attrib
        if "itemprop" in attributes:
            properties += 1
        if "itemscope" in attributes:
            scopes += 1
            node = {"@type": [short_name(name) for name in attributes.get("itemtype", "").split()]}
            useful = useful or structured.is_article(node) or structured.is_event(node)
    if useful and (scopes > _MAX_SCOPES or properties > _MAX_PROPERTIES):
        problems.append(
            Problem(
                "microdata-too-large",
                f"The page has microdata of {scopes} items with {properties} properties; they were left out.",
                "Describe only the article itself, best as JSON-LD.",
                severity="advice",
            )
        )
        return False
    return useful


def _from_microdata(item: Node, depth: int = 0) -> Node:
    """An item as extruct gives it, in the shape of JSON-LD."""
    node: dict[str, Any] = {"@type": list(items(item.get("type")))}
    if item.get("id"):
        node["@id"] = item["id"]
    properties = item.get("properties")
    if not isinstance(properties, Mapping):
        value = item.get("value")
        return {**node, "name": value} if isinstance(value, str) else node
    for name, value in properties.items():
        converted = [
            _from_microdata(part, depth + 1) if isinstance(part, Mapping) else part
            for part in (value if isinstance(value, list) else [value])
            if depth < 10 or not isinstance(part, Mapping)
        ]
        node[name] = converted[0] if len(converted) == 1 else converted
    return node


def _from_rdfa(item: Node) -> Node:
    """Expanded JSON-LD with schema.org's properties under their short names."""
    node: dict[str, Any] = {}
    for key, value in item.items():
        if key in ("@id", "@type"):
            node[key] = value
        elif "schema.org/" in key:
            node[short_name(key)] = [
                part["@value"] if isinstance(part, Mapping) and "@value" in part else part
                for part in items(value)
            ]
    return node


def _from_microformat(item: Any) -> list[Node]:
    """An h-entry or h-event as the schema.org node that says the same."""
    if not isinstance(item, Mapping) or not isinstance(item.get("properties"), Mapping):
        return []
    kinds, given = items(item.get("type")), item["properties"]
    if "h-entry" in kinds:
        pairs = {
            "name": "headline",
            "summary": "description",
            "published": "datePublished",
            "updated": "dateModified",
            "category": "keywords",
            "url": "url",
            "photo": "image",
        }
        node: dict[str, Any] = {"@type": "NewsArticle"}
        node["articleBody"] = [
            (part.get("html") or part.get("value")) if isinstance(part, Mapping) else part
            for part in items(given.get("content"))[:1]
        ]
    elif "h-event" in kinds:
        pairs = {
            "name": "name",
            "summary": "description",
            "start": "startDate",
            "end": "endDate",
            "url": "url",
            "location": "location",
        }
        node = {"@type": "Event"}
    else:
        return []
    for ours, theirs in pairs.items():
        value = [part.get("value") if isinstance(part, Mapping) else part for part in items(given.get(ours))]
        if value:
            node[theirs] = value
    authors = items(given.get("author"))
    if authors and "h-entry" in kinds:
        node["author"] = [_from_h_card(part) if isinstance(part, Mapping) else part for part in authors]
    return [node]


def _from_h_card(item: Node) -> Node:
    given = item.get("properties")
    stated = given if isinstance(given, Mapping) else {}
    return {
        "@type": "Person",
        "name": stated.get("name") or item.get("value"),
        "url": stated.get("url"),
        "email": stated.get("email"),
    }


def _read_meta(tree: _Element, meta: dict[str, list[str]]) -> None:
    """Every `<meta>` by its name, property or itemprop; what extruct has read already stays first."""
    known = set(meta)
    for number, element in enumerate(tree.iter("meta")):
        if number >= _MAX_META:
            break
        content = element.get("content")
        for attribute in ("name", "property", "itemprop", "http-equiv"):
            name = (element.get(attribute) or "").strip().lower()
            if name and content and content.strip() and name not in known:
                meta.setdefault(name, []).append(content)


def declared_charset(data: bytes) -> str | None:
    """The encoding that a page's own `<meta>` states, as the web means that label, or None."""
    match = _META_CHARSET.search(data[:4096])
    if match is None:
        return None
    label = match[1].decode("ascii").lower()
    return _CHARSETS.get(label, label)
