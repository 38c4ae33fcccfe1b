"""Markdown with front matter, as Jekyll, Hugo and Pelican write it → Article or Event.

The body is GitHub flavoured Markdown (https://github.github.com/gfm/); raw HTML in it passes the
same sanitiser as any other.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from html import unescape
from typing import Any

from feedpub.extraction import frontmatter, metadata, plaintext, values
from feedpub.extraction.metadata import Fields, Item
from feedpub.extraction.settings import ExtractSettings
from feedpub.models import Article, Document, EventMention, Extraction, Origin, Problem

# Bounded repeats: an unclosed mark must not send the search to the end of the text each time.
_TEMPLATE = re.compile(
    r"\{\{[<%](?:[^{}]|\}(?!\}))[^{}]{0,1000}\}\}"
    r"|\{%[^{}]{0,1000}%\}"
    r"|\{\{-?\s{0,4}(?:page|site|post|layout|content|include)\b[^{}\n]{0,300}\}\}"
)
_MORE = re.compile(r"<!--\s{0,4}(?:more|excerpt)\s{0,4}-->", re.IGNORECASE)
_HEADING = re.compile(
    r"(?P<marks>#{1,2})[ \t]+(?P<atx>[^\n]{1,500})(?:\n|\Z)"
    r"|(?P<setext>[^\n]{1,500})\n(?P<line>=+|-{2,})[ \t]*(?:\n|\Z)"
)
_CLOSING = re.compile(r"[ \t]+#+\Z")
_HEADING_ID = re.compile(r"[ \t]*\{#[\w-]{1,60}\}\Z")
# As comrak writes them: the mark in the text, and behind the note the arrows that lead back.
_FOOTNOTE = re.compile(r'<sup class="footnote-ref"><a href="#fn-[^"]*+"[^>]*+>([^<]*+)</a></sup>')
_BACK_TO_TEXT = re.compile(
    r' ?<a href="#fnref-[^"]*+" class="footnote-backref"[^>]*+>[^<]*+(?:<sup[^>]*+>[^<]*+</sup>)?</a>'
)
_LINK = re.compile(r'<a href="([^"]*+)"')
_RELATIVE = re.compile(r"(?![A-Za-z][A-Za-z0-9+.-]*+:|[/#])\S")
_JEKYLL = frozenset(("_posts", "_drafts"))
_INLINE = re.compile(r"[*_`\[\]<>&\\~]|!\[")


def read(document: Document, text: str, settings: ExtractSettings) -> Extraction:
    """The article, or with `type: event` the event, in a Markdown file.

    Args:
        document: where it comes from; the path may state a date, as Jekyll's file names do.
        text: its decoded text, with `\\n` as line end.
        settings: `dayfirst` settles dates like 03/04/2025.

    Returns:
        An Extraction. Front matter that cannot be read, and a date in it that is none, are errors.
    """
    matter = frontmatter.split(text)
    if matter.problems:
        return Extraction(problems=matter.problems)
    items, start = list(matter.items), matter.body_start
    if not items and start == 0:
        block = plaintext.header_block(text)
        if block is not None:
            items, start = block
    types = (metadata.plain(item.value) for item in items if item.name == "type")
    stated_type = next(types, "").rsplit("/", 1)[-1].lower()
    if stated_type:
        from feedpub.extraction.eventdata import EVENT_TYPES

        if stated_type in EVENT_TYPES:
            return _event(items, text, start, document, settings)
    if _is_jekyll(document):
        items = [_spaced_list(item) for item in items]
    found = metadata.read(items, text, settings.dayfirst)
    _add_events(found, text, settings)
    start = _headline(found, text, start)
    html, plain, advice = _body(text[start:], text.count("\n", 0, start), settings.site_url)
    found.problems.extend(advice)
    if plain:
        found.set("body_text", plain, Origin("text", "body", None, start, len(text.rstrip()), "document"))
        found.set("body_html", html, Origin("text", "body", None, start, len(text.rstrip()), "document"))
    stated = metadata.path_date(document.place)
    if stated is not None:
        found.set("published", *stated)
    article = Article(
        document.source, document.place, extra=tuple(found.extra), origins=found.origins, **found.values
    )
    return Extraction(article=article, problems=tuple(found.problems))


def _is_jekyll(document: Document) -> bool:
    folders = f"{document.base_path or ''}/{document.place}".split("/")[:-1]
    return not _JEKYLL.isdisjoint(folders)


def _spaced_list(item: Item) -> Item:
    """Tags and categories in one line have spaces between them: https://jekyllrb.com/docs/posts/#tags"""
    is_line = item.name in ("tags", "categories") and isinstance(item.value, str)
    if not is_line or "," in str(item.value) or ";" in str(item.value):
        return item
    return replace(item, value=str(item.value).split())


def _add_events(found: Fields, text: str, settings: ExtractSettings) -> None:
    if not found.events:
        return
    from feedpub.extraction import eventdata

    events: list[EventMention] = []
    for item in found.events:
        events.extend(eventdata.from_value(item, text, settings.dayfirst, found.problems))
    found.set("events", tuple(events), metadata.origin_of(found.events[0], text))


def _event(
    items: list[Item], text: str, start: int, document: Document, settings: ExtractSettings
) -> Extraction:
    from feedpub.extraction import eventdata

    problems: list[Problem] = []
    body = Fields()
    named = any(item.name in ("title", "name") for item in items)
    after = _headline(body, text, start) if not named else start
    if "headline" in body.values:
        origin = body.origins["headline"]
        items = [*items, Item("name", body.values["headline"], 1, 1, origin.start, origin.end)]
    own = [
        item
        for item in items
        if not _marks_a_draft(item) or (item.name == "status" and metadata.plain(item.value) != "draft")
    ]
    events = eventdata.read(own, text, settings.dayfirst, problems, main=True)
    if not events:
        return Extraction(problems=tuple(problems))
    event = events[0]
    marks = metadata.read(filter(_marks_a_draft, items), text, settings.dayfirst)
    problems.extend(marks.problems)
    _, plain, advice = _body(text[after:], text.count("\n", 0, after), settings.site_url)
    problems.extend(advice)
    if event.description is None and plain:
        origin = Origin("text", "body", None, after, len(text.rstrip()), "document")
        event = replace(event, description=plain, origins={**event.origins, "description": origin})
    del document
    draft = bool(marks.values.get("draft"))
    return Extraction(events=(event, *events[1:]), problems=tuple(problems), draft=draft)


def _marks_a_draft(item: Item) -> bool:
    field = metadata.FIELDS.get(item.name)
    return field in ("draft", "status") or (field == "published" and values.truth(item.value) is False)


def _headline(found: Fields, text: str, start: int) -> int:
    """Take the first heading as headline, or drop it where it repeats the title; where the body goes on."""
    at = start
    while at < len(text) and text[at] in "\n \t":
        at += 1
    if at - text.rfind("\n", 0, at) > 4:
        return start  # indented by four: a code block
    match = _HEADING.match(text, at)
    if match is None:
        return start
    raw = match["atx"] or match["setext"]
    raw = _HEADING_ID.sub("", _CLOSING.sub("", raw.rstrip())).strip()
    heading = _inline_text(raw)
    title = found.values.get("headline")
    is_first_level = match["marks"] == "#" or (match["line"] or "").startswith("=")
    if title is None and is_first_level and heading:
        quote_at = text.index(raw, match.start()) if raw else match.start()
        origin = Origin("text", "first heading", raw, quote_at, quote_at + len(raw), "document")
        found.set("headline", heading, origin)
        return match.end()
    if title is not None and " ".join(heading.split()).casefold() == " ".join(title.split()).casefold():
        return match.end()
    return start


def _inline_text(raw: str) -> str:
    if not _INLINE.search(raw):
        return " ".join(raw.split())
    from feedpub.extraction import sanitise

    return " ".join(sanitise.html_to_text(_to_html(raw)).split())


@lru_cache(maxsize=1)
def _options() -> dict[str, Any]:
    import comrak

    extensions = comrak.ExtensionOptions()
    for name in ("table", "autolink", "strikethrough", "tasklist", "footnotes"):
        setattr(extensions, name, True)
    rendering = comrak.RenderOptions()
    # Unsafe means raw HTML is passed on: to the sanitiser, which knows what is safe.
    rendering.unsafe_ = True
    return {"extension_options": extensions, "render_options": rendering}


def _to_html(markup: str) -> str:
    import comrak

    html: str = comrak.render_markdown(markup, **_options())
    return html


def _body(markup: str, lines_before: int, site_url: str) -> tuple[str, str, list[Problem]]:
    """Sanitised HTML and plain text of the body, and advice on what was left out of it."""
    from feedpub.extraction import sanitise

    advice: list[Problem] = []
    if "<!--" in markup:
        markup = _MORE.sub("", markup)
    if "{{" in markup or "{%" in markup:
        first = _TEMPLATE.search(markup)
        if first is not None:
            markup, count = _TEMPLATE.subn("", markup)
            advice.append(
                Problem(
                    rule="template-code",
                    message=f"Template code was left out ({count} times, first {first[0][:60]}).",
                    remedy="Write what it stands for as Markdown if readers of the feed should see it.",
                    severity="advice",
                    line=lines_before + first.string.count("\n", 0, first.start()) + 1,
                    value=repr(first[0][:60]),
                )
            )
    if not markup.strip():
        return "", "", advice
    html = _to_html(markup)
    if "footnote-ref" in html:
        html = _FOOTNOTE.sub(r"<sup>[\1]</sup>", _BACK_TO_TEXT.sub("", html))
    if links := [link for link in map(unescape, _LINK.findall(html)) if _RELATIVE.match(link)]:
        advice.append(_relative_link(links, markup, lines_before))
    html = sanitise.clean_html(html, root_url=site_url)
    return html, sanitise.html_to_text(html), advice


def _relative_link(links: list[str], markup: str, lines_before: int) -> Problem:
    at = markup.find(links[0])
    return Problem(
        rule="relative-link",
        message=f"Of a link to “{links[0][:60]}” only the text was kept: nothing says what it is relative to "
        f"({len(links)} of them).",
        remedy="Write the whole address, or the path from the root of the site: /about/.",
        severity="advice",
        line=lines_before + markup.count("\n", 0, at) + 1 if at >= 0 else None,
        value=repr(links[0][:60]),
    )
