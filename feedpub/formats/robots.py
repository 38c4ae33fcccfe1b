"""robots.txt: everybody may read everything, and where the sitemaps are.

RFC 9309; crawlers look for it at the root of the host only, so one in a folder is read by nobody.
https://www.sitemaps.org/protocol.html#submit_robots
"""

from __future__ import annotations

from collections.abc import Iterable

from feedpub.config import Site
from feedpub.formats import sitemap

FILENAME = "robots.txt"


def render(site: Site, sitemaps: Iterable[str] = ("sitemap.xml",)) -> bytes:
    """`robots.txt` in UTF-8. `sitemaps` are the paths of sitemaps or their indexes in the output."""
    addresses = [sitemap.address(site.url + path) for path in sitemaps]
    named = "".join(f"Sitemap: {address}\n" for address in addresses if address)
    # An empty Disallow is older than Allow: every crawler understands it.
    return f"User-agent: *\nDisallow:\n{named and chr(10)}{named}".encode()
