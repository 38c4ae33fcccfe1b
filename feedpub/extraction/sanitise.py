"""Markup made safe and plain: clean HTML, the text of HTML, and text as HTML.

Every string of markup that an input gives passes through `clean_html` once, before it is stored.
What comes out holds only what an article's text means (headings, lists, links, tables, pictures)
and nothing that runs, loads or looks. nh3 decides what is safe; this module decides what an
article needs, and keeps hostile markup from costing more than linear time:

- HTML parsers take quadratic time on elements nested thousands deep, on one tag with thousands
  of attributes, and on formatting elements that are never closed. Markup that is large enough for
  this to matter is rebuilt first as a shallow tree (`_flattened`).
- All regular expressions here are anchored to single characters or use possessive quantifiers.

https://html.spec.whatwg.org/multipage/parsing.html
"""

from __future__ import annotations

import re
from functools import lru_cache
from html import escape, unescape
from typing import TYPE_CHECKING
from urllib.parse import quote

import nh3

from feedpub import urls

if TYPE_CHECKING:
    from collections.abc import Callable

    from lxml.etree import _Element


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BLOCKS = _words(
    "p h1 h2 h3 h4 h5 h6 blockquote ul ol li dl dt dd figure figcaption table caption thead tbody tfoot "
    "tr th td pre hr details summary div"
)
# Unknown blocks become <div>: merely unwrapped, the last word of one would run into the first of the next.
_AS_DIV = _words("article section main header footer aside nav address center fieldset hgroup form legend")
_INLINE = _words(
    "a em strong b i u q cite code kbd samp var br sub sup abbr dfn time mark small del ins s img bdi bdo "
    "ruby rt rp wbr col colgroup"
)
_TAGS = _BLOCKS | _AS_DIV | _INLINE
_VOID = _words("br hr img wbr col")
# Their content is no text for readers; it goes with them.
_DROPPED = _words(
    "script style iframe object embed applet noscript noembed noframes template textarea select option "
    "button svg math canvas audio video title head frameset xmp plaintext dialog datalist"
)
# "Formatting" elements, which the HTML parser opens again and again until they are closed.
_FORMATTING = _words("a b big code em font i nobr s small strike strong tt u")
_ATTRIBUTES = {
    "*": {"lang", "dir"},
    "a": {"href", "title", "hreflang"},
    "img": {"src", "alt", "width", "height"},
    "blockquote": {"cite"},
    "q": {"cite"},
    "del": {"cite", "datetime"},
    "ins": {"cite", "datetime"},
    "time": {"datetime"},
    "abbr": {"title"},
    "dfn": {"title"},
    "ol": {"start", "reversed", "type"},
    "li": {"value"},
    "td": {"colspan", "rowspan", "headers"},
    "th": {"colspan", "rowspan", "scope", "abbr"},
    "col": {"span"},
    "colgroup": {"span"},
}
_VALUES = {
    "lang": re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,5}\Z"),
    "hreflang": re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8}){0,5}\Z"),
    "dir": re.compile(r"(?:ltr|rtl|auto)\Z"),
    "width": re.compile(r"[0-9]{1,5}\Z"),
    "height": re.compile(r"[0-9]{1,5}\Z"),
    "start": re.compile(r"-?[0-9]{1,6}\Z"),
    "value": re.compile(r"-?[0-9]{1,6}\Z"),
    "colspan": re.compile(r"[0-9]{1,3}\Z"),
    "rowspan": re.compile(r"[0-9]{1,3}\Z"),
    "span": re.compile(r"[0-9]{1,3}\Z"),
    "scope": re.compile(r"(?:row|col|rowgroup|colgroup)\Z"),
    "type": re.compile(r"[1aAiI]\Z"),
}

# Characters that XML 1.0 (section 2.2) cannot hold; surrogates cannot even be encoded.
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")
# What `urls.absolute` would give back as it is: nine in ten links, a tenth of the cost.
_PLAIN_URL = re.compile(r"https?://[a-z0-9]++(?:[.-][a-z0-9]++)*+(?:/[A-Za-z0-9%/:=&?~#+!$,;'@()*._-]*+)?\Z")
_MAILTO = re.compile(r"mailto:[^\s<>\"@:]{1,200}@[^\s<>\"@]{1,200}\Z", re.IGNORECASE)
_TAG = re.compile(r"<(/?)([a-z][a-z0-9]*)([^>]*)>")
_A_OR_IMG = re.compile(r"<(?:(/?)a|img)((?: [^>]*)?)>")
_RENAMED = re.compile(r"<(/?)(?:(h1)|" + "|".join(sorted(_AS_DIV, key=len, reverse=True)) + r")(?=[ >])")
_NEEDS_RENAMING = re.compile(r"</(?:h1|" + "|".join(sorted(_AS_DIV, key=len, reverse=True)) + r")>")
_BLOCK_NAMES = "|".join(sorted(_BLOCKS | _AS_DIV, key=len, reverse=True))
# A <div> that holds no other block is a paragraph in all but name.
_PARAGRAPH_DIV = re.compile(rf"<div>([^<]*+(?:<(?!/?(?:{_BLOCK_NAMES})[ >])[^<]*+)*+)</div>")
# Elements whose unwrapping can leave a tree that HTML would parse differently the next time.
_UNSTABLE = re.compile(
    r"<(?:button|object|applet|marquee|svg|math|select|form|font|nobr|big|tt|strike|template|frameset|table"
    r"|article|aside|section|div|header|footer|h1)\b",
    re.IGNORECASE,
)
_LARGE_CHARS = 65_536
_LARGE_TAGS = 1_000
_MAX_TAG_CHARS = 16_384
_MAX_DEPTH = 100
# Stands for "&" in large markup, in which nh3 takes quadratic time on many of them; a noncharacter of
# Unicode, so no text has it (https://www.unicode.org/faq/private_use.html#noncharacters).
_AMPERSAND = "\ufdd0"
_TOO_DEEP = "Excessive depth"
_FORMATTING_TAG = re.compile(rf"</?(?:{'|'.join(sorted(_FORMATTING - {'a'}))}|span)\b[^<>]*+>", re.IGNORECASE)
_NOT_TEXT_TAG = re.compile(r"</?(?!(?:p|br|script|style)\b)[a-z][^<>]*+>", re.IGNORECASE)
# One tag, exactly as the HTML tokeniser delimits it; scripts, styles and comments are stepped over.
_ONE_TAG = re.compile(
    r"<(?:!--.*?(?:-->|\Z)|(script|style)\b.*?(?:</\1|\Z)"
    r"|([a-z][^\s/>]*+)(?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+'|[^\s>\"'][^\s>]*+)?+)*+(?:>|\Z))",
    re.IGNORECASE | re.DOTALL,
)


def clean_html(markup: str, *, base_url: str | None = None, root_url: str | None = None) -> str:
    """`markup` as a safe fragment of semantic HTML; cleaning it again changes nothing.

    Kept are paragraphs, headings (h1 becomes h2), lists, quotations, tables, figures, pictures,
    code, emphasis and the like, without style, class, id or any event handler. Addresses are made
    absolute against `base_url`; a link that has no absolute http(s) or mailto address is replaced
    by its content. A picture's relative address is kept as it stands when `base_url` is None, so
    that a local file can be found later; pictures in `data:` addresses go. Without `base_url`, a
    link that begins with "/" is made absolute against `root_url`, if that is given. Scripts, styles,
    frames, forms' controls and embedded objects go with their content.
    """
    if _NOT_XML.search(markup):
        markup = _NOT_XML.sub("", markup)
    cleaner = _cleaner(base_url, root_url)
    html = _finished(_cleaned(cleaner, markup), "&#" in markup)
    # A second pass settles what unwrapping left in a form that parses otherwise (<p> in <button> in <p>).
    for _ in range(4 if _UNSTABLE.search(markup) else 0):
        again = _finished(_cleaned(cleaner, html), False)
        if again == html:
            break
        html = again
    return html


def html_to_text(markup: str) -> str:
    """The plain text of `markup`: blocks with one empty line between, `<br>` as a new line.

    List items are paragraphs of their own, a table's row is a line with tabs between its cells;
    scripts and styles are left out, white space is folded except in `<pre>`.
    """
    if _NOT_XML.search(markup):
        markup = _NOT_XML.sub("", markup)
    if "<" not in markup:
        return _folded(unescape(markup))
    html = _cleaned(_text_cleaner(), markup).replace("&nbsp;", " ")
    blocks: list[str] = []
    line: list[str] = []
    raw = 0

    def end_block() -> None:
        if line:
            text = "".join(line)
            line.clear()
            text = text.strip("\n") if raw else _lines(text)
            if text and not text.isspace():
                blocks.append(text)

    rows: list[str] = []
    parts = _TEXT_TAG.split(html)
    for position, part in enumerate(parts):
        if position % 2 == 0:
            if part:
                line.append(part if raw else _spaced(part))
        elif part == "br":
            line.append("\n")
        elif part in ("/td", "/th"):
            line.append("\t")
        elif part == "/tr":
            row = _lines("".join(line)).replace("\n", " ")
            line.clear()
            if row:
                rows.append(row)
        elif part in ("td", "th", "tr", "thead", "tbody", "tfoot"):
            continue
        elif rows and part not in ("/thead", "/tbody", "/tfoot"):
            end_block()
            blocks.append("\n".join(rows))
            rows.clear()
        elif part == "pre":
            end_block()
            raw += 1
        elif part == "/pre":
            end_block()
            raw = max(0, raw - 1)
        else:
            end_block()
    end_block()
    if rows:
        blocks.append("\n".join(rows))
    return _NOT_XML.sub("", _unescaped("\n\n".join(blocks))).replace("\xad", "").strip()


def text_to_html(text: str) -> str:
    """Plain text as HTML: a `<p>` for each paragraph, `<br>` for a single line break."""
    text = _NOT_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    paragraphs = (paragraph.strip() for paragraph in re.split(r"\n[ \t]*+\n\s*", text))
    return "\n".join(
        f"<p>{escape(paragraph, quote=False)}</p>".replace("\n", "<br>\n")
        for paragraph in paragraphs
        if paragraph
    )


def parsed(markup: str) -> _Element | None:
    """The lxml tree of a whole page, read in linear time and never deeper than 256; None if there is none.

    libxml2 stops at that depth. Markup that goes deeper is read again without its formatting
    (which somebody forgot to close), and at last as bare paragraphs: no word of it is lost.
    """
    markup = shortened_tags(markup)
    root = _tree(markup)
    if root is None:
        root = _tree(_FORMATTING_TAG.sub("", markup))
    if root is None:
        root = _tree(_NOT_TEXT_TAG.sub(" ", markup))
    return root


def shortened_tags(markup: str) -> str:
    """`markup` with the attributes of absurdly long tags dropped (an HTML parser is quadratic in them)."""
    if len(markup) <= _MAX_TAG_CHARS:
        return markup
    pieces: list[str] = []
    done = 0
    for match in _ONE_TAG.finditer(markup):
        if match[2] and match.end() - match.start() > _MAX_TAG_CHARS:
            pieces += (markup[done : match.start()], f"<{match[2][:40]}>")
            done = match.end()
    return "".join(pieces) + markup[done:] if pieces else markup


_TEXT_TAG = re.compile(r"<(/?[a-z][a-z0-9]*)>")
# Leaves single spaces alone: replacing each by itself would be most of the cost.
_SPACE = re.compile(r"  ++[ \t\r\n\xa0]*+| ?[\t\r\n\xa0][ \t\r\n\xa0]*+")
_AROUND_BREAK = re.compile(r" ?\n ?")
_AROUND_TAB = re.compile(r" ?\t[ \t]*+")


def _spaced(text: str) -> str:
    # Looking for the rare cases first takes a tenth of the time of the expression.
    if "\n" in text or "  " in text or "\xa0" in text or "\t" in text or "\r" in text:
        return _SPACE.sub(" ", text)
    return text


def _lines(text: str) -> str:
    if "  " in text:
        text = re.sub("  ++", " ", text)
    if "\t" in text:
        text = _AROUND_TAB.sub("\t", text)
    return (_AROUND_BREAK.sub("\n", text) if "\n" in text else text).strip()


def _folded(text: str) -> str:
    return _NOT_XML.sub("", _spaced(text)).replace("\xad", "").strip()


def _unescaped(text: str) -> str:
    # nh3 writes only these four; &amp; comes last, so that "&amp;lt;" stays "&lt;".
    if "&" not in text:
        return text
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")


def _filter(base_url: str | None, root_url: str | None) -> Callable[[str, str, str], str | None]:
    def keep(tag: str, attribute: str, value: str) -> str | None:
        value = _NOT_XML.sub("", value)
        if attribute in ("href", "cite"):
            value = value.strip()
            if attribute == "href" and _MAILTO.match(value):
                return value
            is_rooted = base_url is None and value.startswith("/") and not value.startswith("//")
            return _absolute(root_url if is_rooted else base_url, value)
        if attribute == "src":
            return _picture(base_url, value.strip())
        allowed = _VALUES.get(attribute)
        return value if allowed is None or allowed.match(value) else None

    return keep


def _absolute(base_url: str | None, reference: str) -> str | None:
    if base_url is None and reference.startswith("//"):
        # A page that leaves the scheme out runs under https nowadays; better than losing the address.
        reference = f"https:{reference}"
    return reference if _PLAIN_URL.match(reference) else urls.absolute(base_url, reference)


def _picture(base_url: str | None, reference: str) -> str | None:
    reference = re.sub(r"[\t\r\n]", "", reference)
    if base_url is not None or reference.startswith("//") or _SCHEME.match(reference):
        return _absolute(base_url, reference)
    return quote(reference, safe="%/:=&?~#+!$,;'@()*[]") or None


@lru_cache(maxsize=32)
def _cleaner(base_url: str | None, root_url: str | None) -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(_TAGS),
        clean_content_tags=set(_DROPPED),
        attributes=_ATTRIBUTES,
        attribute_filter=_filter(base_url, root_url),
        link_rel=None,
        url_schemes={"http", "https", "mailto"},
        url_relative="pass_through",
    )


@lru_cache(maxsize=1)
def _text_cleaner() -> nh3.Cleaner:
    return nh3.Cleaner(
        tags=set(_BLOCKS | _AS_DIV | {"br"}),
        clean_content_tags=set(_DROPPED),
        attributes={},
        link_rel=None,
    )


def _finished(html: str, has_references: bool) -> str:
    """What nh3 cannot say: links and pictures without an address go, h1 and unknown blocks are renamed."""
    if has_references:
        html = _NOT_XML.sub("", html)
    if "<a" in html or "<img" in html:
        html = _without_empty_links(html)
    if _NEEDS_RENAMING.search(html):
        html = _RENAMED.sub(lambda match: f"<{match[1]}{'h2' if match[2] else 'div'}", html)
    if "<div>" in html:
        html = _PARAGRAPH_DIV.sub(r"<p>\1</p>", html)
    return html.strip()


def _without_empty_links(html: str) -> str:
    open_links: list[bool] = []

    def decide(match: re.Match[str]) -> str:
        closing, attributes = match[1], match[2]
        if closing is None:
            return match[0] if ' src="' in attributes else ""
        if closing:
            return match[0] if open_links and open_links.pop() else ""
        kept = ' href="' in attributes
        open_links.append(kept)
        return match[0] if kept else ""

    return _A_OR_IMG.sub(decide, html)


def _cleaned(cleaner: nh3.Cleaner, markup: str) -> str:
    if len(markup) <= _LARGE_CHARS and markup.count("<") <= _LARGE_TAGS:
        return cleaner.clean(markup)
    return cleaner.clean(_flattened(markup.replace(_AMPERSAND, ""))).replace(_AMPERSAND, "&amp;")


def _flattened(markup: str) -> str:
    """The same content as a shallow, well-nested tree: what any parser reads in linear time."""
    root = parsed(f"<body>{markup}</body>")
    if root is None:
        return ""
    out: list[str] = []
    # (element, what to write on leaving it); a name on `formatting` is open already.
    formatting: set[str] = set()
    stack: list[tuple[_Element, bool, bool]] = [(root, False, False)]
    depth = 0
    while stack:
        element, leaving, written = stack.pop()
        name = element.tag if isinstance(element.tag, str) else ""
        if leaving:
            if written:
                depth -= 1
                formatting.discard(name)
                out.append(f"</{name}>")
            out.append(_escaped(element.tail))
            continue
        if name in _DROPPED and name != "head":
            out.append(_escaped(element.tail))
            continue
        written = name in _TAGS and depth < _MAX_DEPTH and name not in formatting
        if written:
            out.append(_start_tag(element, name))
            if name in _VOID:
                out.append(_escaped(element.tail))
                continue
            depth += 1
            if name in _FORMATTING:
                formatting.add(name)
        out.append(_escaped(element.text))
        stack.append((element, True, written))
        stack.extend((child, False, False) for child in reversed(element))
    return _NOT_XML.sub("", "".join(out))


def _tree(markup: str) -> _Element | None:
    """The tree, or None if its depth is beyond what libxml2 reads (it would lose the rest)."""
    from lxml import html as lxml_html

    parser = lxml_html.HTMLParser(huge_tree=False, no_network=True, remove_comments=True, remove_pis=True)
    try:
        root: _Element = lxml_html.document_fromstring(markup, parser=parser)
    except (ValueError, lxml_html.etree.ParserError):
        return None
    return None if any(_TOO_DEEP in entry.message for entry in parser.error_log) else root


def _escaped(text: str | None) -> str:
    return text.replace("&", _AMPERSAND).replace("<", "&lt;").replace(">", "&gt;") if text else ""


def _start_tag(element: _Element, name: str) -> str:
    allowed = _ATTRIBUTES.get(name, set()) | _ATTRIBUTES["*"]
    attributes = "".join(
        f' {key}="{escape(element.get(key, ""), quote=True)}"'
        for key in sorted(allowed)
        if key in element.attrib
    )
    return f"<{name}{attributes}>"
