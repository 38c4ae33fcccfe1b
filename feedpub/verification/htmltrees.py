"""A page as lxml's HTML parser sees it, and what judges look up in it."""

from __future__ import annotations

from typing import Any

from feedpub.verification.texts import folded


def parsed(content: bytes) -> Any:
    """The page's root element.

    Raises:
        ValueError: there is no page in it.
    """
    from lxml import etree, html

    try:
        text = content.decode("utf-8")
        tree = html.document_fromstring(text.encode("utf-8"), parser=html.HTMLParser(encoding="utf-8"))
    except (etree.LxmlError, UnicodeDecodeError) as error:
        raise ValueError(str(error)) from error
    if tree.find(".//body") is None:
        raise ValueError("the page has no body")
    return tree


def canonical(tree: Any) -> str:
    """The address that the page gives for its own, or ""."""
    links = (link for link in tree.iterfind(".//head/link") if link.get("rel") == "canonical")
    return next((link.get("href", "") for link in links), "")


def meta(tree: Any, attribute: str, name: str) -> list[str]:
    """The contents of the page's meta elements whose `attribute` is `name`."""
    return [m.get("content", "") for m in tree.iterfind(".//head/meta") if m.get(attribute) == name]


def shown(element: Any, path: str) -> str:
    """The folded text of what is first found at `path`; "" for nothing."""
    found = element.find(path) if element is not None else None
    return folded(found.text_content()) if found is not None else ""


def classed(element: Any, tag: str, name: str) -> list[Any]:
    """The elements of that tag and class inside `element`, which may be None."""
    if element is None:
        return []
    return [found for found in element.iter(tag) if name in found.get("class", "").split()]


def refreshed(tree: Any) -> str:
    """Where `<meta http-equiv=refresh>` leads (HTML, section 4.2.5.3), or ""."""
    for content in meta(tree, "http-equiv", "refresh"):
        _, _, target = content.partition(";")
        name, _, address = target.strip().partition("=")
        if name.strip().lower() == "url":
            return str(address.strip())
    return ""
