"""Pictures that lie beside an article: found without leaving their folder, described by their content.

A file's kind is told by its first bytes, never by its name. SVG is not taken over: it can carry
scripts, and a copy under our own address would run them as ours.
"""

from __future__ import annotations

import re
import stat
from dataclasses import replace
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from feedpub.models import Image

MAX_BYTES = 50_000_000
"""A larger file is no picture for a feed."""

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:")


def describe(path: Path) -> Image | None:
    """The picture in a file: its kind, size in pixels and length in bytes.

    Returns:
        An `Image` whose `url` and `local_path` are the path; width and height are missing if the
        file does not tell them. None if it is no regular file of at most `MAX_BYTES`, cannot be
        read, or is neither PNG, JPEG, GIF, WebP nor AVIF.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            return None
        with path.open("rb") as file:
            length = file.seek(0, 2)
            file.seek(0)
            media_type = media_type_of(file.read(64))
            if media_type is None or not 0 < length <= MAX_BYTES:
                return None
            file.seek(0)
            width, height = _pixels(file)
    except (OSError, ValueError):
        return None
    return Image(
        str(path), local_path=str(path), media_type=media_type, length=length, width=width, height=height
    )


def resolve(image: Image, base_path: str | None, *, root: Path | None = None) -> Image:
    """`image` with its local file found and described, or unchanged if it has none.

    Args:
        image: A picture whose `url` may be a path relative to `base_path` (percent-encoded or not).
        base_path: The absolute folder beside which the article's files lie, or None.
        root: The folder that no path may lead out of; None for `base_path` itself.

    Returns:
        The picture with `local_path`, media type, length and true size in pixels. Absolute paths,
        and paths or symbolic links that lead out of the folder, are not followed.
    """
    if base_path is None or image.local_path or not _is_relative(image.url):
        return image
    reference = re.split(r"[?#]", image.url, maxsplit=1)[0]
    for name in dict.fromkeys((image.url, reference, unquote(reference))):
        path = inside(Path(base_path), name, root)
        found = describe(path) if path is not None else None
        if found is not None:
            return replace(
                image,
                local_path=found.local_path,
                media_type=found.media_type,
                length=found.length,
                width=found.width,
                height=found.height,
            )
    return image


def inside(folder: Path, name: str, root: Path | None = None) -> Path | None:
    """The real path of `name` in `folder` if it is there and stays within `root` (or `folder`); else None."""
    if not _is_relative(name) or len(name) > 1000:
        return None
    try:
        base = folder.resolve(strict=True)
        limit = root.resolve(strict=True) if root else base
        path = (base / name).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return None
    return path if path.is_relative_to(limit) else None


def media_type_of(head: bytes) -> str | None:
    """The media type of a picture by its first bytes, or None.

    https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern
    """
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if head.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if head[:4] == b"RIFF" and head[8:14] == b"WEBPVP":
        return "image/webp"
    if head[4:8] == b"ftyp" and b"avif" in head[8 : min(64, int.from_bytes(head[:4], "big"))]:
        return "image/avif"
    return None


def _is_relative(name: str) -> bool:
    return (
        bool(name)
        and not name.startswith(("/", "\\", "#", "?"))
        and not _SCHEME.match(name)
        and "\x00" not in name
    )


def _pixels(file: BinaryIO) -> tuple[int | None, int | None]:
    import imagesize

    try:
        width, height = imagesize.get(file)
    except Exception:  # a truncated or hostile file raises struct.error, IndexError and others
        return None, None
    if 0 < width < 100_000 and 0 < height < 100_000:
        return int(width), int(height)
    return None, None
