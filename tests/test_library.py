"""The pure steps for programs that have their articles elsewhere: nothing stated, nothing written."""

from __future__ import annotations

import json
from typing import Any

import feedparser

import feedpub
from feedpub.models import Article, When

SITE = feedpub.Site(title="Daily", url="https://daily.example/")


def _records(**stated: Any) -> tuple[feedpub.Record, ...]:
    article = Article("desk", "a", headline="Bridge opens", body_text="It opened.", **stated)
    return feedpub.build_records(article, SITE, url="https://daily.example/1")


def _items(graph: bytes) -> list[dict[str, Any]]:
    return [node for node in json.loads(graph)["@graph"] if node["@type"] == "DataFeedItem"]


def test_an_article_without_a_date_has_none_in_a_feed():
    rss = feedparser.parse(feedpub.render([_records()], SITE, "rss"))
    assert [entry.title for entry in rss.entries] == ["Bridge opens"]
    assert not {"published", "updated"} & rss.entries[0].keys()
    assert not {"published", "updated"} & rss.feed.keys()
    graph = feedpub.render([_records()], SITE, "jsonld")
    assert b"1970" not in graph
    (item,) = _items(graph)
    assert item.keys() == {"@type", "@id", "item"}


def test_a_stated_change_alone_says_nothing_of_when_the_article_came():
    (item,) = _items(
        feedpub.render([_records(modified=When("2025-09-03T10:00:00Z", "second"))], SITE, "jsonld")
    )
    assert item["dateModified"] == "2025-09-03T10:00:00Z"
    assert "dateCreated" not in item


def test_the_feed_changed_when_the_last_dated_article_did():
    dated = _records(id="https://daily.example/2#a", published=When("2025-09-02T10:00:00Z", "second"))
    rss = feedparser.parse(feedpub.render([dated, _records()], SITE, "rss"))
    assert tuple(rss.feed.updated_parsed)[:5] == (2025, 9, 2, 10, 0)
