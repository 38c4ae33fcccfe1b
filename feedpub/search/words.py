"""Words as the index holds them, and what a person typed as a question that FTS5 understands.

https://www.sqlite.org/fts5.html (sections 3 and 4.3.1)
"""

from __future__ import annotations

import re

# Scripts that put no spaces between words, of which the tokenizer would make one long word.
_UNSPACED = re.compile("[\u0e00-\u0eff\u0f00-\u0fff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_PART = re.compile(r'"([^"]*)(?:"(\*?)|\Z)|([^\s"]+)')

SHORTEST_PREFIX = 3
"""Letters that must stand before a star: of fewer there would be too many words to look through."""


def spaced(text: str) -> str:
    """`text` with each character of a script without spaces by itself, so that any run of them can be found."""
    return text if text.isascii() else _UNSPACED.sub(r" \g<0> ", text)


def expression(question: str) -> str | None:
    """The FTS5 expression for what a person typed; never a syntax error.

    All words must occur; "words in quotes" in this order and next to each other; `harb*` stands for every
    word that begins so, if it has at least three letters. Everything else of FTS5's language is words like any other.

    Returns: None if there is no word in it, and so nothing can be found.
    """
    parts = [part for match in _PART.finditer(_plain(question)) if (part := _part(match))]
    return " AND ".join(parts) or None


def _plain(text: str) -> str:
    # FTS5 reads its expression as a C string, which NUL would end; typographic quotes come from phones.
    return re.sub("[“”„«»]", '"', "".join(char if char.isprintable() else " " for char in text))


def _part(match: re.Match[str]) -> str | None:
    phrase, star, word = match.groups()
    if word is not None:
        phrase, star = word, "*" if word.endswith("*") else ""
    if not any(map(str.isalnum, phrase)):
        return None
    begun = phrase.rstrip("*")
    ending = re.search(r"\w*\Z", begun)
    is_prefix = star and ending is not None and len(ending[0]) >= SHORTEST_PREFIX
    return f'"{spaced(begun)}"{" *" if is_prefix else ""}'
