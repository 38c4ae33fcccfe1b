"""How files come into the output: folders that nobody needs go, and what cannot be written is named."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from feedpub import publication
from feedpub.errors import PublishError
from feedpub.staging import File
from feedpub.store import open_store
from tests import isolation
from tests.conftest import NOW, Newsroom


def put(newsroom: Newsroom, *paths: str, gone: Sequence[str] = ()) -> None:
    """Publish empty files at `paths` and delete those at `gone`."""
    config = newsroom.config
    with (
        publication.locked(config.state, config.publish.output),
        open_store(config) as store,
    ):
        with store.transaction() as transaction:
            staging = publication.Staging(
                transaction, config.publish.output, config.state, int(NOW.timestamp())
            )
            staging.put_many([File(path, b"", "text/plain") for path in paths])
            transaction.flush()
            staging.delete_many(gone)
            staging.sync()
        with store.transaction() as transaction:
            assert publication.complete(transaction.connection, config.publish.output, config.state)


def folders(newsroom: Newsroom) -> set[str]:
    found = (path for path in newsroom.output.rglob("*") if path.is_dir())
    return {path.relative_to(newsroom.output).as_posix() for path in found}


def test_folders_that_are_empty_go_with_their_last_file(newsroom: Newsroom) -> None:
    gone = ("keywords/a/feed.xml", "keywords/a/feed.atom", "keywords/b/feed.xml", "deep/1/2/3/x.txt")
    put(newsroom, *gone, "sections/world/feed.xml", "sections/town/feed.xml", "index.html")
    (newsroom.output / "keywords/b/mine.txt").write_text("mine")
    put(newsroom, gone=(*gone, "sections/town/feed.xml"))
    assert folders(newsroom) == {"keywords", "keywords/b", "sections", "sections/world"}
    (newsroom.output / "keywords/b/mine.txt").unlink()
    put(newsroom, gone=("index.html", "sections/world/feed.xml"))
    assert folders(newsroom) == {"keywords", "keywords/b"}, (
        "what feedpub did not empty just now is not its own"
    )
    assert newsroom.output.is_dir()


def test_a_file_that_cannot_be_put_into_place_is_named_as_people_know_it(newsroom: Newsroom) -> None:
    put(newsroom, "index.html")

    def publish() -> str:
        newsroom.output.chmod(0o555)
        isolation.obey_permissions()
        with pytest.raises(PublishError) as caught:
            put(newsroom, "feed.xml")
        return str(caught.value)

    try:
        message = isolation.in_child(publish)
    finally:
        newsroom.output.chmod(0o755)
    assert message.startswith(f"{newsroom.output}/feed.xml: Permission denied.")
    assert "staging" not in message
    assert "give yourself permission" in message
