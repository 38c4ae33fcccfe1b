"""Bytes → text: the encoding found, line ends and Unicode made uniform, what no feed can carry taken out."""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass

from feedpub.models import Problem

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # begins with the UTF-16 mark, so it is looked for first
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_SIGNATURES = (
    (b"%PDF-", "a PDF"),
    (b"\x89PNG\r\n", "a PNG picture"),
    (b"\xff\xd8\xff", "a JPEG picture"),
    (b"GIF8", "a GIF picture"),
    (b"PK\x03\x04", "a ZIP archive or an office document"),
    (b"\xd0\xcf\x11\xe0", "an old office document"),
    (b"{\\rtf", "a rich text (RTF) document"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ\x00", "an xz archive"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\x00", "an SQLite database"),
)
# XML 1.0 section 2.2 has no place for these; U+FEFF inside a text is a byte order mark gone astray.
_FORBIDDEN = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufeff\ufffe\uffff]")
_LINE_ENDS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_MULTIBYTE = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_HIGH = re.compile("[^\x00-\x7f]")
# Signs of a wrong guess: a symbol within a word, a capital after a small letter.
_UNLIKELY = re.compile(
    "(?<=[a-zß-öø-ÿ])[À-ÖØ-Þ]|[^\\W\\d_][¡-©«-¹»-¿×÷][^\\W\\d_]|[¤¦¨¬¯¸¹¶µ]|[^\x00-\x7f]{5}", re.ASCII
)
# Of scripts other than Latin, and still met on the web; the code pages of DOS and of old Macs are not.
_GUESSED = (
    "cp1251", "koi8_r", "koi8_u", "iso8859_5", "cp1253", "iso8859_7", "cp1255", "iso8859_8", "cp1256",
    "iso8859_6", "cp874", "gb18030", "big5", "cp932", "euc_jp", "cp949",
)  # fmt: skip
_SAMPLE = 100_000


@dataclass(frozen=True, slots=True)
class Decoded:
    """Text with `\\n` as its only line end, in NFC; `encoding` is the name Python knows it by.

    The text is empty and `encoding` None if a problem is an error.
    """

    text: str
    encoding: str | None
    problems: tuple[Problem, ...] = ()


def decode(data: bytes, declared: str | None = None) -> Decoded:
    """The text in `data`, or the reason why it is none. Never raises.

    `declared` is what came along as the encoding (a header, a meta tag). It is tried after a byte
    order mark and after UTF-8, which is all but impossible to mistake; Windows-1252 is taken if
    the text then looks like one, and an encoding of another script is guessed only where that
    script prevails. Lines and columns in problems count from 1, columns in bytes.
    """
    if not data or data.isspace():
        return _refused("empty", "The file holds no text.", "Write the article into it or delete it.", (1, 1))
    for mark, name in _BOMS:
        if data.startswith(mark):
            return _decode_marked(data[len(mark) :], name)
    for signature, kind in _SIGNATURES:
        if data.startswith(signature):
            return _refused("binary", f"This is {kind}, not text.", "Save the article as plain text.", (1, 1))
    if b"\x00" in data:
        return _decode_with_nulls(data, declared)
    try:
        return _clean(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError as error:
        return _decode_other(data, declared, error)


def _decode_marked(data: bytes, name: str) -> Decoded:
    try:
        return _clean(data.decode(name), name)
    except UnicodeDecodeError as error:
        return _invalid(data, error, name.upper())


def _decode_with_nulls(data: bytes, declared: str | None) -> Decoded:
    at = data.index(0)
    sample = data[: _SAMPLE - _SAMPLE % 2]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    name = "utf-16-le" if odd > even else "utf-16-be"
    if len(data) % 2 == 0 and min(even, odd) * 20 <= max(even, odd):
        try:
            text = data.decode(name)
        except UnicodeDecodeError:
            text = "\x00"
        odd_ones = sum(not (c.isprintable() or c in "\r\n\t\u200e\u200f\u00ad") for c in text[:2000])
        if odd_ones == 0 and "\x00" not in text:
            return _clean(text, name)
    del declared  # no encoding that a page declares has NUL in its text
    return _refused(
        "binary",
        f"Byte {at} is NUL: this is no text.",
        "Save the article as UTF-8 text, or leave the file out with `exclude`.",
        _where(data, at),
    )


def _decode_other(data: bytes, declared: str | None, error: UnicodeDecodeError) -> Decoded:
    name = _known(declared)
    if name is not None and name != "utf-8":
        try:
            return _clean(data.decode(name), name)
        except UnicodeDecodeError:
            pass
    sample = data[:_SAMPLE]
    high = len(sample) - len(sample.translate(None, bytes(range(128, 256))))
    in_sequences = sum(map(len, _MULTIBYTE.findall(sample)))
    if in_sequences > high // 2:
        return _invalid(data, error, "UTF-8")  # UTF-8 that was damaged, not another encoding
    if high * 2 > len(sample.translate(None, b" \t\r\n")):
        return _by_statistics(data) or _invalid(data, error, "UTF-8")
    # In a text of mostly ASCII there is too little to guess by: only Windows-1252 is so common as to be taken.
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as undefined:
        return _invalid(data, undefined, "UTF-8 or Windows-1252")
    return _clean(text, "cp1252") if _looks_western(text[:_SAMPLE]) else _invalid(data, error, "UTF-8")


def _looks_western(text: str) -> bool:
    high = len(_HIGH.findall(text))
    letters = sum(map(str.isalpha, text))
    unlikely = len(_UNLIKELY.findall(text))
    return letters > 0 and high <= max(2, letters * 0.25) and unlikely * 10 <= high


def _by_statistics(data: bytes) -> Decoded | None:
    from charset_normalizer import from_bytes

    best = from_bytes(data[:_SAMPLE], cp_isolation=list(_GUESSED)).best()
    # Chaos and coherence are its own measures; below these it guesses.
    if best is None or best.chaos > 0.1 or best.coherence < 0.2:
        return None
    try:
        decoded = _clean(data.decode(best.encoding), best.encoding)
    except (UnicodeDecodeError, LookupError):
        return None
    advice = Problem(
        rule="encoding-guessed",
        message=f"The encoding was guessed from the letters: {best.encoding}.",
        remedy="Save the file as UTF-8, so that no letter can be mistaken.",
        severity="advice",
        value=best.encoding,
    )
    return Decoded(decoded.text, decoded.encoding, (*decoded.problems, advice))


def _known(declared: str | None) -> str | None:
    if not declared or len(declared) > 40:
        return None
    try:
        name = codecs.lookup(declared.strip().strip("\"'")).name
        "a".encode(name)  # refuses codecs that turn bytes into bytes, such as "zip"
    except (LookupError, ValueError, TypeError):
        return None
    # The Encoding Standard (encoding.spec.whatwg.org) reads these labels so, as all browsers do.
    return {"iso8859-1": "cp1252", "ascii": "cp1252"}.get(name, name)


def _clean(text: str, encoding: str) -> Decoded:
    problems: list[Problem] = []
    first = None
    # Text that is all printable, as most is, has none of what is looked for below: ten times faster.
    if not text.replace("\n", " ").replace("\t", " ").isprintable():
        text = _LINE_ENDS.sub("\n", text)
        first = _FORBIDDEN.search(text)
    if first is not None:
        line, column = _where(text, first.start())
        cleaned, count = _FORBIDDEN.subn("", text)
        if count > 10 and count * 10 > len(text):
            message = f"{count} of {len(text)} characters are control characters: this is no text."
            return _refused("binary", message, "Save the article as plain text.", (line, column))
        problems.append(
            Problem(
                rule="control-characters",
                message=f"Control characters left out: {count}, the first U+{ord(first[0]):04X}.",
                remedy="Nothing need be done; XML cannot hold them.",
                severity="advice",
                line=line,
                column=column,
                value=f"U+{ord(first[0]):04X}",
            )
        )
        text = cleaned
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
        at = text.find("\ufffd")
        if at >= 0:
            line, column = _where(text, at)
            problems.append(
                Problem(
                    rule="replacement-character",
                    message=f"“\ufffd” stands in line {line}: a letter was lost before feedpub saw the text.",
                    remedy="Put in the right letter.",
                    severity="advice",
                    line=line,
                    column=column,
                )
            )
    if not text or text.isspace():
        return _refused("empty", "The file holds no text.", "Write the article into it or delete it.", (1, 1))
    return Decoded(text, encoding, tuple(problems))


def _where(data: bytes | str, at: int) -> tuple[int, int]:
    before = data[:at]
    if isinstance(before, bytes):
        return before.count(b"\n") + 1, at - before.rfind(b"\n")
    return before.count("\n") + 1, at - before.rfind("\n")


def _invalid(data: bytes, error: UnicodeDecodeError, name: str) -> Decoded:
    line, column = _where(data, error.start)
    bad = data[error.start : error.start + 4].hex(" ").upper()
    return _refused(
        "encoding",
        f"Byte {error.start} (line {line}) is not valid {name}, and no other encoding fits the text.",
        "Open the file in an editor, look at that line, and save it as UTF-8.",
        (line, column),
        bad,
    )


def _refused(rule: str, message: str, remedy: str, at: tuple[int, int], value: str | None = None) -> Decoded:
    problem = Problem(rule=rule, message=message, remedy=remedy, line=at[0], column=at[1], value=value)
    return Decoded("", None, (problem,))
