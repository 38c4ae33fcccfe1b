"""The obvious program: what one would write in an afternoon with the same packages, and fairly.

    python benchmarks/obvious.py FOLDER OUTPUT [--pages] [--tuned]

It reads every Markdown file, builds a dict, validates it with jsonschema, formats on, and writes the
newest 50 with feedgen and as JSON-LD, each package called as its own introduction shows it. With
--tuned it is what somebody writes who knows where these packages lose time: YAML by its C loader,
one validator for all records instead of `validate()`, which checks the schema anew each time.
Markdown is read by the same fast package as feedpub's in both. No store, no ids of its own, no increments: each run
does everything again. With --pages it also writes what the feeds' links lead to: a page (one
compiled Jinja template) and a .jsonld file for each article, as feedpub does; without, the links
lead nowhere.
"""

from __future__ import annotations

import datetime as dt
import json
import sys
from pathlib import Path

import comrak
import jinja2
import jsonschema
import yaml
from feedgen.feed import FeedGenerator
from jsonschema import Draft202012Validator

FORMATS = Draft202012Validator.FORMAT_CHECKER

SCHEMA = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["@type", "@id", "url", "headline", "articleBody", "datePublished"],
    "properties": {
        "@context": {"const": "https://schema.org"},
        "@type": {"const": "NewsArticle"},
        # "iri" would cost 20 ms a value in jsonschema with its non-GPL formats: nobody would keep it
        "@id": {"type": "string", "format": "uri"},
        "url": {"type": "string", "format": "uri"},
        "headline": {"type": "string", "minLength": 1, "maxLength": 110},
        "description": {"type": "string"},
        "articleBody": {"type": "string", "minLength": 1},
        "articleSection": {"type": "string"},
        "keywords": {"type": "array", "items": {"type": "string", "minLength": 1}},
        "wordCount": {"type": "integer", "minimum": 1},
        "inLanguage": {"type": "string", "pattern": "^[a-z]{2,3}(-[A-Za-z0-9]+)*$"},
        "datePublished": {"type": "string", "format": "date-time"},
        "author": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["@type", "name"],
                "properties": {"@type": {"const": "Person"}, "name": {"type": "string", "minLength": 1}},
            },
        },
        "publisher": {
            "type": "object",
            "required": ["@type", "name"],
            "properties": {"name": {"type": "string"}, "url": {"type": "string", "format": "uri"}},
        },
    },
    "additionalProperties": False,
}


PAGE = """<!doctype html>
<html lang="{{ record.inLanguage }}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ record.headline }} – News</title>
<meta name="description" content="{{ record.description }}">
<link rel="canonical" href="{{ record.url }}">
<link rel="alternate" type="application/rss+xml" title="News" href="https://news.example/feed.xml">
<meta property="og:type" content="article">
<meta property="og:title" content="{{ record.headline }}">
<meta property="og:url" content="{{ record.url }}">
<style>body { max-width: 40rem; margin: auto; font: 1.1rem/1.5 serif }</style>
</head>
<body>
<main><article>
<h1>{{ record.headline }}</h1>
<p>{{ record.description }}</p>
<p>{% for author in record.author %}{{ author.name }}{% endfor %}, <time>{{ record.datePublished }}</time></p>
{{ html | safe }}
<p>{% for keyword in record.keywords %}{{ keyword }} {% endfor %}</p>
</article></main>
<script type="application/ld+json">{{ data | safe }}</script>
</body>
</html>
"""


def main(folder: Path, output: Path, *, pages: bool, tuned: bool) -> None:
    validator = Draft202012Validator(SCHEMA, format_checker=FORMATS)
    page = jinja2.Environment(autoescape=True).from_string(PAGE)
    site = "https://news.example/"
    articles = []
    (output / "articles").mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.rglob("*.md")):
        head, body = path.read_text("utf-8").removeprefix("---\n").split("\n---\n", 1)
        front = yaml.load(head, Loader=yaml.CSafeLoader) if tuned else yaml.safe_load(head)
        html = comrak.render_markdown(body)
        url = f"{site}articles/{path.stem}.html"
        record = {
            "@context": "https://schema.org",
            "@type": "NewsArticle",
            "@id": url,
            "url": url,
            "headline": front["title"],
            "description": front["summary"],
            "articleBody": body.strip(),
            "articleSection": front["section"],
            "keywords": front["tags"],
            "wordCount": len(body.split()),
            "inLanguage": "en",
            "datePublished": front["date"].isoformat(),
            "author": [{"@type": "Person", "name": front["author"]}],
            "publisher": {"@type": "Organization", "name": "News", "url": site},
        }
        try:
            if tuned:
                validator.validate(record)
            else:
                jsonschema.validate(record, SCHEMA, format_checker=FORMATS)
        except jsonschema.ValidationError as error:
            print(f"{path}: {error.message}", file=sys.stderr)
            continue
        articles.append((record, html))
        if pages:
            data = json.dumps(record, ensure_ascii=False)
            (output / "articles" / f"{path.stem}.jsonld").write_text(data, "utf-8")
            safe = data.replace("<", "\\u003c")
            content = page.render(record=record, html=html, data=safe)
            (output / "articles" / f"{path.stem}.html").write_text(content, "utf-8")
    articles.sort(key=lambda pair: pair[0]["datePublished"], reverse=True)
    feed = FeedGenerator()
    feed.title("News")
    feed.link(href=site)
    feed.description("News")
    feed.language("en")
    for record, html in articles[:50]:
        entry = feed.add_entry(order="append")
        entry.title(record["headline"])
        entry.link(href=record["url"])
        entry.guid(record["@id"], permalink=True)
        entry.description(record["description"])
        entry.content(html, type="CDATA")
        entry.published(dt.datetime.fromisoformat(record["datePublished"]))
        for keyword in record["keywords"]:
            entry.category(term=keyword)
    feed.rss_file(str(output / "feed.xml"), pretty=True)
    data = {
        "@context": "https://schema.org",
        "@type": "DataFeed",
        "name": "News",
        "dataFeedElement": [{"@type": "DataFeedItem", "item": record} for record, _ in articles[:50]],
    }
    (output / "feed.jsonld").write_text(json.dumps(data, ensure_ascii=False, indent=1), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), pages="--pages" in sys.argv, tuned="--tuned" in sys.argv)
