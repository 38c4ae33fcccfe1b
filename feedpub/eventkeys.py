"""The events of one document: what each is recognised by, and which of them name one another."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence

from feedpub.digests import normalised
from feedpub.models import EventMention
from feedpub.urls import is_absolute_iri, named_uuid

_BETWEEN = "\x1f"
SOMEWHERE = f"{_BETWEEN}@"
"""What stands in a key between name and day on one side and the place on the other."""

Ties = Mapping[str, Sequence[tuple[str, EventMention]]]
"""How a larger or a smaller event is named → the events of the document that are meant, with their ids."""


def given_id(event: EventMention) -> str | None:
    """The id that the event's input gives it, if that is an absolute IRI."""
    return event.id if event.id and is_absolute_iri(event.id) else None


def event_keys(events: Sequence[EventMention], reporter: str) -> list[list[str]]:
    """What each event of one document is recognised by, the surest first.

    The name as this reporter gives it; name, day and place (so that two towns may hold a meeting
    of the same name on one day), where the place may be left out by one of two reporters; and that
    it is the only event of its reporter, which outlives a changed name. Of several events with one
    name in one document, each is recognised by its start and place besides.
    """
    found = []
    for event, name, namesakes in _with_namesakes(events):
        keys = [_BETWEEN.join(("r", reporter, name, *_distinction(event, namesakes)))]
        if event.start is not None and event.start.precision not in ("year", "month"):
            # Two showings on one day are told apart by the hour, wherever else they are reported.
            another = any(_is_another_showing(event, other) for other in namesakes)
            day = _BETWEEN.join(("e", name, event.start.value if another else event.start.value[:10]))
            place = _place(event)
            keys += [f"{day}{SOMEWHERE}{place}", day] if place else [day]
        if len(events) == 1:
            keys.append(_BETWEEN.join(("r", reporter, "")))
        found.append(keys)
    return found


def generated_ids(events: Sequence[EventMention], reporter: str, key: str) -> list[str]:
    """For each event of one document the id to give it if it has none. `key` is `Site.key`."""
    return [
        named_uuid(key, "event", reporter, name, *_distinction(event, namesakes))
        for event, name, namesakes in _with_namesakes(events)
    ]


def ties(events: Sequence[EventMention], ids: Sequence[str]) -> list[Ties]:
    """For each event of one document, which others its `super_event` and `sub_events` name.

    What is named by its id, or by a name that only one other event of the document can mean, is
    tied to it. Of several with that name, those are meant that name this event in turn, or all of
    them if it names as many. What stays unclear is not in the result.

    Args:
        events: all that the document reports.
        ids: the id of each one's record.
    """
    by_id: dict[str, list[int]] = defaultdict(list)
    by_name: dict[str, list[int]] = defaultdict(list)
    for number, event in enumerate(events):
        by_id[event.id or ids[number]].append(number)
        by_name[normalised(event.name)].append(number)

    def meant(of: int, stated: str, times: int, back: str) -> list[int]:
        found = by_id.get(stated) or by_name.get(normalised(stated), [])
        found = [number for number in found if ids[number] != ids[of]]
        if len({ids[number] for number in found}) <= times:
            return found
        return [number for number in found if _names(events[number], back, events[of])]

    result: list[Ties] = []
    for number, event in enumerate(events):
        named: dict[str, Sequence[tuple[str, EventMention]]] = {}
        if event.super_event:
            above = meant(number, event.super_event, 1, "sub_events")
            if len({ids[other] for other in above}) == 1:
                named[event.super_event] = [(ids[above[0]], events[above[0]])]
        for stated, times in Counter(event.sub_events).items():
            if below := meant(number, stated, times, "super_event"):
                named[stated] = [(ids[other], events[other]) for other in below]
        result.append(named)
    return result


def _names(event: EventMention, relation: str, other: EventMention) -> bool:
    stated = (event.super_event or "",) if relation == "super_event" else event.sub_events
    return any(text == other.id or normalised(text) == normalised(other.name) for text in stated)


def _with_namesakes(
    events: Sequence[EventMention],
) -> Iterator[tuple[EventMention, str, Sequence[EventMention]]]:
    """Each event with its name as it is compared, and all events of that name, itself included."""
    names = [normalised(event.name) for event in events]
    alike: dict[str, list[EventMention]] = defaultdict(list)
    for event, name in zip(events, names, strict=True):
        alike[name].append(event)
    for event, name in zip(events, names, strict=True):
        yield event, name, alike[name]


def _distinction(event: EventMention, namesakes: Sequence[EventMention]) -> tuple[str, ...]:
    """What tells an event from others of its name in the same document; () where nothing need."""
    if any(_differ(event, other) for other in namesakes):
        return event.start.value if event.start else "", _place(event)
    return ()


def _differ(one: EventMention, other: EventMention) -> bool:
    """Whether both state a start or a place, and not the same."""
    places = {_place(one), _place(other)} - {""}
    return len(places) > 1 or _starts_differ(one, other)


def _starts_differ(one: EventMention, other: EventMention) -> bool:
    if one.start is None or other.start is None:
        return False
    first, second = sorted((one.start.value, other.start.value), key=len)
    return not second.startswith(first)


def _is_another_showing(one: EventMention, other: EventMention) -> bool:
    """Whether the two are at different hours of one day."""
    if one.start is None or other.start is None or one.start.value[:10] != other.start.value[:10]:
        return False
    return _starts_differ(one, other)


def _place(event: EventMention) -> str:
    return next((normalised(place.name) for place in event.locations if place.name), "")
