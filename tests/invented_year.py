"""What an invented newsroom does in a year, drawn by lot, and what ought to be published at each moment.

The model is told by the deeds alone: it writes files as editors do, and keeps a plain account of
what each story and each event says, and of what is to be seen.
"""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

WORDS = (
    *("harbour", "council", "bridge", "ferry", "storm", "market", "school", "museum", "tower", "river"),
    *("garden", "library", "concert", "vote", "budget", "repair", "winter", "street", "engine", "village"),
)
SECTIONS = ("Town", "Harbour", "Arts")
DAY = timedelta(days=1)


@dataclass(eq=False)
class Event:
    """One event, as its reporters or its own document state it."""

    number: int
    name: str
    start: datetime
    place: str
    status: str = "scheduled"
    own_file: Path | None = None
    own_present: bool = False
    seen: Shown | None = None
    """What calendars were last told of it."""
    told: tuple[str, str, str] | None = None
    """The same for the feed of events: name, local start, status; None if it was withdrawn since."""

    @property
    def has_zone(self) -> bool:
        """Whether its offset is stated. Calendars show an event without one as all-day."""
        return self.number % 2 == 0

    @property
    def shown_start(self) -> str:
        """Its start as a calendar has it, in UTC if that is known."""
        return f"{self.start:%Y-%m-%dT%H:%M}" if self.has_zone else f"{self.start:%Y-%m-%d}"

    def _stated(self) -> list[str]:
        zone = "+00:00" if self.has_zone else ""
        return [
            f"start: {self.start:%Y-%m-%dT%H:%M}{zone}",
            f"location: {self.place}",
            f"status: {self.status}",
        ]

    def front(self) -> str:
        return "{" + ", ".join([f"name: {self.name}", *self._stated()]) + "}"

    def text(self) -> str:
        keys = ["type: event", f"title: {self.name}", *self._stated()]
        return "\n".join(["---", *keys, "---", "", "Come and see.", ""])


@dataclass(frozen=True)
class Shown:
    """An event as it is to be seen."""

    name: str
    start: str
    cancelled: bool


@dataclass(eq=False)
class Story:
    """One article, or a copy of one (`copy_of`). `version` counts what an editor changed in its text."""

    number: int
    path: Path
    words: str
    date: datetime
    section: str
    version: int = 1
    slug: str | None = None
    present: bool = True
    draft: bool = False
    publish_at: datetime | None = None
    expires_at: datetime | None = None
    modified: datetime | None = None
    states_modified: bool = False
    events: list[Event] = field(default_factory=list)
    copy_of: Story | None = None
    copied: bool = False
    live: bool = False
    ever_live: bool = False

    @property
    def title(self) -> str:
        return f"Report {self.number}"

    @property
    def mark(self) -> str:
        return f"This is version {self.version} of report {self.number}."

    def text(self) -> str:
        lines = [f"title: {self.title}", f"date: {self.date.isoformat()}", f"section: {self.section}"]
        for key, when in (
            ("publish_at", self.publish_at), ("expires", self.expires_at), ("modified", self.modified),
        ):  # fmt: skip
            if when is not None:
                lines.append(f"{key}: {when.isoformat()}")
        lines += [f"slug: {self.slug}"] if self.slug else []
        lines += ["draft: true"] if self.draft else []
        if self.events:
            lines.append("events:")
            lines += [f"  - {event.front()}" for event in self.events]
        return "\n".join(["---", *lines, "---", "", self.words, "", self.mark, ""])

    def may_be_seen(self, now: datetime) -> bool:
        if not self.present or self.draft or self.date > now:
            return False
        if self.publish_at is not None and self.publish_at > now:
            return False
        return self.expires_at is None or self.expires_at > now


class Newsdesk:
    """Does the work and keeps the account. `articles` and `agency` are the folders of two sources."""

    def __init__(self, seed: int, articles: Path, agency: Path, begin: datetime) -> None:
        self.chance = random.Random(seed)
        self.articles = articles
        self.agency = agency
        self.now = begin
        self.stories: list[Story] = []
        self.events: list[Event] = []
        self._written: set[Path] = set()

    # -- the work

    def work(self, now: datetime, articles: int) -> None:
        """Write `articles` new stories, and do to the others what is done in a newsroom."""
        self.now = now
        self._written = set()
        for _ in range(articles):
            self._write_new()
        deeds = (
            (0.45, self._edit), (0.12, self._withdraw), (0.10, self._restore), (0.12, self._move),
            (0.06, self._change_slug), (0.15, self._change_event), (0.04, self._copy), (0.05, self._second_report),
            (0.06, self._own_event), (0.04, self._own_event_gone), (0.15, self._change_section),
        )  # fmt: skip
        for likelihood, deed in deeds:
            if self.chance.random() < likelihood:
                deed()

    def _pick(self, stories: list[Story]) -> Story | None:
        """One whose file nobody has touched since the last refresh."""
        free = [story for story in stories if story.path not in self._written]
        if not free:
            return None
        # What is new is changed more often.
        return self.chance.choice(free[-60:] if self.chance.random() < 0.7 else free)

    def _seen(self) -> list[Story]:
        return [story for story in self.stories if story.live and story.present]

    def _write(self, story: Story) -> None:
        self._save(story.path, story.text())

    def _save(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
        # A file of this very moment may still be in the writing, and a refresh would wait for it.
        os.utime(path, (self.now.timestamp(), self.now.timestamp()))
        self._written.add(path)

    def _write_new(self) -> None:
        chance, number = self.chance, len(self.stories) + 1
        minutes = chance.randrange(0, 300)
        date = self.now - timedelta(minutes=minutes)
        if chance.random() < 0.02:  # brought in from an older archive
            date -= timedelta(days=chance.randrange(20, 400))
        words = " ".join(chance.choice(WORDS) for _ in range(45))
        path = self.articles / f"{self.now:%Y-%m}" / f"report-{number}.md"
        story = Story(number, path, words, date, chance.choice(SECTIONS))
        story.states_modified = chance.random() < 0.1
        if chance.random() < 0.08:
            story.publish_at = self.now + timedelta(minutes=chance.randrange(30, 4000))
        elif chance.random() < 0.03:
            story.date = self.now + timedelta(minutes=chance.randrange(30, 4000))
        if chance.random() < 0.05:
            story.expires_at = self.now + timedelta(minutes=chance.randrange(5000, 60000))
        if chance.random() < 0.04:
            story.draft = True
        # What vanishes by time alone reports no events: it might take one along that is just over.
        if chance.random() < 0.25 and story.expires_at is None:
            for _ in range(chance.choice((1, 1, 1, 2))):
                story.events.append(self._new_event())
        self.stories.append(story)
        self._write(story)

    def _new_event(self) -> Event:
        number = len(self.events) + 1
        ahead = timedelta(days=self.chance.randrange(4, 90), hours=self.chance.randrange(0, 10))
        start = (self.now + ahead).replace(minute=30, second=0, tzinfo=None)
        event = Event(number, f"Gathering {number}", start, self.chance.choice(("Town Hall", "Old Quay")))
        self.events.append(event)
        return event

    def _edit(self) -> None:
        story = self._pick([story for story in self._seen() if story.copy_of is None])
        if story is not None:
            self._new_version(story)
            self._write(story)

    def _new_version(self, story: Story) -> None:
        story.version += 1
        if story.states_modified:
            story.modified = self.now

    def _withdraw(self) -> None:
        story = self._pick([s for s in self._seen() if not any(self._is_just_over(e) for e in s.events)])
        if story is None:
            return
        if self.chance.random() < 0.3 and story.copy_of is None:
            story.draft = True
            self._write(story)
        else:
            story.present = False
            story.path.unlink()
            self._written.add(story.path)

    def _restore(self) -> None:
        # A copy of it is the item from now on, so a story with copies does not come back.
        gone = [
            story for story in self.stories
            if not story.live and not story.copied and story.copy_of is None
            and not any(self._is_just_over(event) for event in story.events)
            and (story.publish_at or story.date) <= self.now
        ]  # fmt: skip
        story = self._pick(gone)
        if story is None:
            return
        story.present, story.draft, story.expires_at = True, False, None
        if self.chance.random() < 0.5:
            self._new_version(story)
        self._write(story)

    def _move(self) -> None:
        """Rename a file or put it elsewhere, its bytes the same."""
        story = self._pick([story for story in self._seen() if story.copy_of is None])
        if story is None:
            return
        folder = self.articles / self.chance.choice(("old", "moved/again", "2026"))
        target = folder / f"{self.chance.randrange(10**9)}-{story.path.name[-30:]}"
        folder.mkdir(parents=True, exist_ok=True)
        story.path.rename(target)
        story.path = target
        self._written.add(target)

    def _change_slug(self) -> None:
        story = self._pick([story for story in self._seen() if story.copy_of is None])
        if story is not None:
            story.slug = f"{self.chance.choice(WORDS)}-{self.chance.randrange(1000)}"
            self._write(story)

    def _change_section(self) -> None:
        story = self._pick([story for story in self._seen() if story.copy_of is None])
        if story is not None:
            story.section = self.chance.choice(SECTIONS)
            if story.states_modified:
                story.modified = self.now
            self._write(story)

    def _copy(self) -> None:
        """An agency sends a text that is published already."""
        originals = [s for s in self._seen() if s.copy_of is None and not s.copied and not s.events]
        originals = [story for story in originals if story.expires_at is None]
        story = self._pick(originals)
        if story is None:
            return
        story.copied = True
        copy = Story(
            story.number, self.agency / f"wire-{story.number}.md", story.words, story.date, "Wire",
            version=story.version, copy_of=story,
        )  # fmt: skip
        self.stories.append(copy)
        self._write(copy)

    # -- events

    def _is_just_over(self, event: Event) -> bool:
        """Whether it will leave, or has just left, the calendars: what changes now, some would not see."""
        since = self.now.replace(tzinfo=None) - event.start
        return timedelta(days=5) < since < timedelta(days=33)

    def _reporters(self, event: Event) -> list[Story]:
        return [story for story in self.stories if event in story.events]

    def _change_event(self) -> None:
        ahead = self.now.replace(tzinfo=None) + DAY
        open_ = [
            event for event in self.events
            if event.start > ahead and event.status != "cancelled" and event.seen is not None
            and not {story.path for story in self._reporters(event)} & self._written
        ]  # fmt: skip
        if not open_:
            return
        event = self.chance.choice(open_)
        what = self.chance.random()
        if what < 0.4:
            event.status = "rescheduled"
            event.start += timedelta(days=self.chance.randrange(1, 60))
        elif what < 0.7:
            event.status = "cancelled"
        else:
            event.place = f"Hall {self.chance.randrange(100)}"
        for story in self._reporters(event):
            if story.present:
                if story.states_modified:
                    story.modified = self.now
                self._write(story)
        if event.own_present and event.own_file is not None:
            self._save(event.own_file, event.text())

    def _second_report(self) -> None:
        """Another article reports an event that is known already."""
        ahead = self.now.replace(tzinfo=None) + DAY
        known = [event for event in self.events if event.start > ahead and event.seen and not event.own_file]
        fresh = [story for story in self.stories if story.path in self._written and not story.events]
        if known and fresh and fresh[0].copy_of is None and fresh[0].present:
            fresh[0].events.append(self.chance.choice(known))
            self._write(fresh[0])

    def _own_event(self) -> None:
        event = self._new_event()
        event.own_file = self.articles / "events" / f"{event.number}.md"
        self._save(event.own_file, event.text())
        event.own_present = True

    def _own_event_gone(self) -> None:
        there = [
            event
            for event in self.events
            if event.own_present and not self._is_just_over(event) and event.seen
        ]
        if there:
            event = self.chance.choice(there)
            assert event.own_file is not None
            event.own_file.unlink()
            event.own_present = False

    # -- the account

    def settle(self, now: datetime) -> None:
        """Note what a refresh at `now` publishes."""
        self.now = now
        for story in self.stories:
            original = story.copy_of
            story.live = story.may_be_seen(now)
            if original is not None and not story.ever_live:
                # It takes the place of its original once that is withdrawn.
                story.live = story.live and not original.live
            story.ever_live = story.ever_live or story.live
        for event in self.events:
            if event.start + 31 * DAY <= now.replace(tzinfo=None):
                continue  # calendars tell of it no more
            if self.is_live(event):
                event.seen = Shown(event.name, event.shown_start, event.status == "cancelled")
                event.told = (event.name, f"{event.start:%Y-%m-%dT%H:%M}", f"Event{event.status.title()}")
            elif event.seen is not None:
                event.seen = Shown(event.seen.name, event.seen.start, True)
                event.told = None

    def is_live(self, event: Event) -> bool:
        """Whether anything that is published reports it."""
        return event.own_present or any(story.live for story in self._reporters(event))

    def live(self) -> list[Story]:
        """The stories that are published."""
        return [story for story in self.stories if story.live]


BEGIN = datetime(2025, 1, 1, 6, 0, tzinfo=UTC)
