"""Addresses and ids: absolute, canonical, and the names made from them.

Every rule on when two addresses are the same, and on how ids and file names are made, lives here.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
import uuid
from functools import lru_cache
from urllib.parse import quote, unquote, urljoin, urlsplit, urlunsplit

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# RFC 3987 IRIs hold no space, control character or one of these delimiters.
_NOT_IN_IRI = re.compile(r'[\x00-\x20<>"{}|\\^`\x7f-\x9f]')
# Names that are safe in every file system: no hidden ones, no "..".
_PLAIN_PATH = re.compile(r"[\w~+-][\w.~+-]*(?:/[\w~+-][\w.~+-]*)*")
# What keeps nobody's names apart: "Jean-Luc O'Neil" and "J. R. Marsh" have one spelling without.
_HYPHEN = re.compile(r"(?<=[a-z0-9])-(?=[a-z0-9])")
_WITHIN_NAMES = re.compile(r"(?<=[a-z0-9])['’](?=[a-z])|(?<=[a-z])\.(?= |$)")
_TRACKING = re.compile(r"^(utm_[a-z]+|fbclid|gclid|mc_cid|mc_eid|igshid)$", re.IGNORECASE)
_SAFE = "%/:=&?~#+!$,;'@()*[]"
_PORTS = {"http": 80, "https": 443}


def is_absolute_iri(text: str) -> bool:
    """Whether `text` is an IRI with a scheme and something behind it (RFC 3987 section 2.2)."""
    match = _SCHEME.match(text)
    return match is not None and len(text) > match.end() and not _NOT_IN_IRI.search(text)


def is_http_url(text: str) -> bool:
    """Whether `text` is an absolute http or https address with a host."""
    if not is_absolute_iri(text):
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme.lower() in _PORTS and bool(parts.hostname)


def absolute(base: str | None, reference: str) -> str | None:
    """`reference` as an absolute http(s) address, resolved against `base` (RFC 3986 section 5).

    Spaces and non-ASCII characters are percent-encoded. Returns None for any other scheme
    (`javascript:`, `data:`, `mailto:`), and where there is nothing to resolve against.
    """
    reference = re.sub(r"[\t\r\n]", "", reference.strip())
    if not reference:
        return None
    try:
        joined = urljoin(base or "", reference)
        parts = urlsplit(joined)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme.lower() not in _PORTS or not host:
        return None
    netloc = parts.netloc
    if not netloc.isascii():
        try:
            netloc = netloc.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    address = urlunsplit(
        (
            parts.scheme.lower(),
            netloc,
            quote(parts.path, safe=_SAFE),
            quote(parts.query, safe=_SAFE),
            quote(parts.fragment, safe=_SAFE),
        )
    )
    return address if is_http_url(address) else None


def canonical(url: str) -> str:
    """The form under which two addresses count as the same: for comparing only, never for publishing.

    Scheme and host in lower case, no default port, no fragment, no tracking parameters, "/" for
    an empty path. A trailing slash elsewhere and the order of parameters are kept: servers tell
    them apart.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return url
    scheme = parts.scheme.lower()
    if scheme not in _PORTS:
        return url
    host = (parts.hostname or "").lower()
    netloc = host if port is None or port == _PORTS[scheme] else f"{host}:{port}"
    query = "&".join(
        pair for pair in parts.query.split("&") if pair and not _TRACKING.match(pair.partition("=")[0])
    )
    return urlunsplit((scheme, netloc, parts.path or "/", query, ""))


@lru_cache(maxsize=4096)
def slugify(text: str, max_length: int = 60) -> str:
    """A file name of a-z, 0-9 and single hyphens, cut at a word; "item" where nothing is left.

    It holds no dot and no slash, so it cannot leave its folder.
    """
    from anyascii import anyascii

    words = re.findall(r"[a-z0-9]+", anyascii(text[:500].replace("'", "").replace("’", "")).lower())
    slug = ""
    for word in words:
        longer = f"{slug}-{word}" if slug else word
        if len(longer) > max_length:
            break
        slug = longer
    return slug or (words[0][:max_length] if words else "item")


@lru_cache(maxsize=4096)
def term_slug(value: str) -> str:
    """The slug of a section, keyword or author, which two values share only if they count as the same.

    That is: if they differ only in case, white space, the marks on Latin letters, "&" for "and", or in
    hyphens, apostrophes and the points of abbreviations ("J. R. O'Neil-Smith"). Where `slugify` loses more
    ("C++", another script, a very long value), "-" and 6 hex digits of the value's SHA-256 follow its slug.
    """
    folded = _folded(value)
    plain = _WITHIN_NAMES.sub("", _HYPHEN.sub(" ", folded))
    slug = slugify(folded)
    if plain.replace(" ", "-") == slug:
        return slug
    return f"{slugify(folded, 53)}-{hashlib.sha256(folded.encode('utf-8', 'surrogatepass')).hexdigest()[:6]}"


def _folded(value: str) -> str:
    """`value` in lower case with single spaces, Latin letters without their marks, and "and" for "&"."""
    from anyascii import anyascii

    text = unicodedata.normalize("NFC", unicodedata.normalize("NFC", value).casefold())
    letters: list[str] = []
    for char in text.replace("&", " and "):
        name = "" if char.isascii() else unicodedata.name(char, "")
        plain = anyascii(char).lower() if name.startswith("LATIN ") else ""
        if plain.isalpha():
            letters.append(plain)
        elif not (name.startswith("COMBINING ") and letters and re.fullmatch("[a-z]+", letters[-1])):
            letters.append(char)
    return " ".join("".join(letters).split())


def alias_stem(alias: str, site_url: str) -> str | None:
    """The path below the site, without ".html", at which an old address can lead on; None if at none.

    "/2024/ferry/" and "/2024/ferry" give "2024/ferry/index", "/ferry.html" gives "ferry". An address
    elsewhere, of another kind of file, with odd characters or out of the site's folder gives None.
    """
    path = alias.strip().removeprefix(site_url) if is_http_url(alias.strip()) else alias.strip()
    path = re.split(r"[?#]", unquote(path), maxsplit=1)[0].strip("/")
    if not _PLAIN_PATH.fullmatch(path) or len(path) > 300:
        return None
    name = path.rpartition("/")[2]
    if name.endswith((".html", ".htm")):
        return path.rpartition(".")[0] if name.endswith(".html") else None
    return None if re.search(r"\.[a-z]{2,5}$", name) else f"{path}/index"


def short_hash(identifier: str) -> str:
    """8 hex digits that stand for an id in file names: of SHA-256 over its UTF-8 form."""
    return hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def named_uuid(key: str, *parts: str) -> str:
    """A `urn:uuid:` of version 5 (RFC 9562 section 5.5) of `parts` in the name space `key`, a UUID."""
    name = "\x1f".join(parts)
    return f"urn:uuid:{uuid.uuid5(uuid.UUID(key), name)}"
