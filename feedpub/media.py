"""Pictures that lie beside an article: published under a name made of their content."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, replace
from html import escape, unescape
from pathlib import Path
from urllib.parse import unquote

from feedpub.extraction import images
from feedpub.models import Article, Document, Image, Problem
from feedpub.urls import absolute, is_http_url

_PICTURE = re.compile(r"<img\b[^<>]*>")
_SOURCE = re.compile(r'\bsrc="([^"]*)"')
_ENDINGS = {
    "image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "image/webp": "webp", "image/avif": "avif",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class File:
    """A picture to publish: `path` in the output, `origin` on this machine, `stamp` as `stamp_of` gives it."""

    path: str
    origin: str
    media_type: str
    stamp: str


def collect(
    article: Article, document: Document, site_url: str
) -> tuple[Article, tuple[File, ...], tuple[Problem, ...]]:
    """The article with every picture under an absolute address.

    A local picture gets the address `media/<hash>.<ending>` of the site; one that is not there, or
    lies outside the source's folder, is left out.

    Returns:
        The article, the files to publish, and advice on pictures that were left out.
    """
    if not article.images and "<img" not in (article.body_html or ""):
        return article, (), ()
    files: dict[str, File] = {}
    missing: dict[str, Problem] = {}
    base = article.url or document.url
    root = _root(document)

    def published(image: Image) -> Image | None:
        if is_http_url(image.url):
            return image
        found = images.resolve(image, document.base_path, root=root)
        if found.local_path and found.media_type in _ENDINGS:
            file = _file(found.local_path, found.media_type)
            files[file.path] = file
            return replace(found, url=f"{site_url}{file.path}")
        if address := absolute(base or (site_url if _is_of_site(image.url, document) else None), image.url):
            return replace(image, url=address)
        missing[image.url] = _missing(image.url, document.place)
        return None

    def in_text(match: re.Match[str]) -> str:
        source = _SOURCE.search(match[0])
        image = published(Image(unescape(source[1]))) if source else None
        if source is None or image is None:
            return ""
        return match[0][: source.start(1)] + escape(image.url) + match[0][source.end(1) :]

    pictures = tuple(image for image in map(published, article.images) if image)
    html = _PICTURE.sub(in_text, article.body_html) if article.body_html else article.body_html
    return replace(article, images=pictures, body_html=html), tuple(files.values()), tuple(missing.values())


def _is_of_site(url: str, document: Document) -> bool:
    """Whether a path from the root means the site: not in a page saved from anywhere, nor a file's own path."""
    if not url.startswith("/") or document.media_type == "text/html":
        return False
    return not any(os.path.lexists(path[:1000]) for path in (url, unquote(url)))


def _root(document: Document) -> Path | None:
    """The source's folder: as many above the document's own as its place has folders."""
    if document.base_path is None:
        return None
    folder = Path(document.base_path)
    depth = document.place.partition("#")[0].count("/")
    return folder.parents[depth - 1] if depth else folder


def _file(path: str, media_type: str) -> File:
    with Path(path).open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return File(f"media/{digest[:2]}/{digest[:24]}.{_ENDINGS[media_type]}", path, media_type, stamp_of(path))


def stamp_of(path: str) -> str:
    """Size and time of a file, by which a change is seen; "" if it is not there."""
    try:
        status = Path(path).stat()
    except OSError:
        return ""
    return f"{status.st_size}:{status.st_mtime_ns}"


def _missing(url: str, place: str) -> Problem:
    return Problem(
        "image-missing",
        f"The picture {url[:200]!r} was left out: it is no file beside the article and no address.",
        "Put the file there (PNG, JPEG, GIF, WebP or AVIF), or give its full http(s) address.",
        severity="advice",
        place=place,
        value=url[:200],
    )
