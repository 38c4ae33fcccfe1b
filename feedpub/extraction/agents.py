"""Who wrote it: bylines and author fields → Agents. Splits a name only where both halves are names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from feedpub import urls
from feedpub.models import Agent

_BY = re.compile(
    r"(?:by|von|par|por|de|di|door|av|af|oleh|przez|от|written by|text(?::| by)|reporting by)\s+",
    re.IGNORECASE,
)
_AND = re.compile(r"\s+(?:and|und|et|y|e|en|og|och|i|и|&)\s+")
_MAIL = re.compile(r"[^\s<>()@,;]{1,64}@[^\s<>()@,;]{1,190}")
_PARTICLES = frozenset(
    re.findall(
        r"\w+",
        "de da do dos das del della di du van von der den zu zur af av la le el al bin ibn ben ter y e",
    )
)
_AGENCY_NAMES = """
reuters ap afp dpa app ansa efe tass xinhua upi pti ani ians bloomberg kyodo yonhap anadolu aa irna wam
spa apa kna epd belga
anp ntb tt ritzau lusa pap ctk interfax ria sputnik bernama antara cna ips agencies
associated\u00a0press agence\u00a0france-presse press\u00a0association pa dow\u00a0jones cp
aap sid the\u00a0canadian\u00a0press
"""
# A no-break space within, a space between.
_AGENCIES = frozenset(_AGENCY_NAMES.replace("\n", " ").split(" "))
_ORGANISATION = re.compile(
    r"\b(?:staff|redaktion|newsroom|news\s?desk|desk|agency|agence|agencia|agenzia|press|editorial board"
    r"|editors|news|media|bureau|team|redacción|redazione|rédaction|correspondents)\b",
    re.IGNORECASE,
)
_SUFFIXES = frozenset(
    [
        "jr",
        "sr",
        "ii",
        "iii",
        "iv",
        "phd",
        "md",
        "dds",
        "esq",
        "mp",
        "mep",
        "msp",
        "qc",
        "kc",
        "obe",
        "mbe",
        "cbe",
        "rn",
        "jd",
        "cpa",
    ]
)
_JOB = re.compile(
    r"\b(?:correspondent|editor|reporter|writer|bureau chief|columnist|analyst|korrespondent(?:in)?"
    r"|redakteur(?:in)?|journalist(?:e|in)?|corresponsal|photographer|contributor|director|producer)\b",
    re.IGNORECASE,
)


def looks_like_name(text: str) -> bool:
    """Whether `text` can be the full name of a person: 2 to 6 words, capitals, no digits."""
    words = text.split()
    if not 2 <= len(words) <= 6 or len(text) > 60:
        return False
    return all(
        (w[0].isupper() or w.lower() in _PARTICLES or (w[0].isalpha() and not w[0].islower()))
        and all(c.isalpha() or c in ".'’-" or 0x300 <= ord(c) < 0x370 for c in w)
        for w in words
    ) and not all(w.lower() in _PARTICLES for w in words)


def is_agency(text: str) -> bool:
    """Whether `text` names a news agency, or several with "/" between them ("dpa/AFP")."""
    return all(part.strip().lower().replace(" ", "\u00a0") in _AGENCIES for part in text.split("/"))


def without_by(text: str) -> str:
    """A byline without its "By"; a name like "De Niro" stays whole."""
    match = _BY.match(text)
    rest = text[match.end() :] if match else text
    return rest if looks_like_name(_AND.split(rest)[0].split(",")[0]) or text[:3].lower() == "by " else text


# "Author: …" as Chinese, Urdu and Arabic papers print it: a name on a line of its own.
_LABELLED = re.compile(
    r"(?:作者|记者|記者|撰文|تحریر|رپورٹ|بقلم|كتب)\s?[:：]\s?([^\W\d_][^\d,.:;،。，、؛!?]{0,40})"
)


def byline(line: str) -> tuple[Agent, ...]:
    """The authors that a line like "By Jane Doe and John Roe, Reuters" names; () if it is no byline."""
    text = line.strip().rstrip("|").strip()
    if labelled := _LABELLED.fullmatch(text):
        return (Agent(labelled[1]),)
    match = _BY.match(text)
    if match is None or len(text) > 160 or text[-1:] in ".!?:;":
        return ()
    rest = text[match.end() :].strip()
    found = authors(rest)
    if rest.isupper() or all(looks_like_name(agent.name) or agent.type == "Organization" for agent in found):
        known = (looks_like_name(agent.name) or is_agency(agent.name) for agent in found)
        return found if found and any(known) else ()
    return ()


def names(line: str) -> tuple[Agent, ...]:
    """The authors in a line that holds names and nothing else; () if any of it cannot be one."""
    found = authors(line)
    fitting = (
        (looks_like_name(agent.name) and not _JOB.search(agent.name)) or agent.type == "Organization"
        for agent in found
    )
    return found if all(fitting) else ()


def authors(value: object) -> tuple[Agent, ...]:
    """The agents in an author field: text, a mapping with name, url, email, or a list of these."""
    found: dict[str, Agent] = {}
    for part in value if isinstance(value, (list, tuple)) else [value]:
        for agent in _from_mapping(part) if isinstance(part, Mapping) else _from_text(part):
            found.setdefault(agent.name, agent)
    return tuple(found.values())


def organisation(value: object) -> Agent | None:
    """A publisher or an organiser of which nothing says that it is a person."""
    found = _from_mapping(value, "Organization") if isinstance(value, Mapping) else ()
    if found:
        return found[0]
    text = _text(value)
    return Agent(text, "Organization") if text else None


def _text(value: object) -> str:
    return " ".join(value.split()) if isinstance(value, str) else ""


def _from_mapping(value: Mapping[Any, Any], default: str = "Person") -> tuple[Agent, ...]:
    get = {str(k).lower().replace("_", "").replace("-", "").lstrip("@"): v for k, v in value.items()}
    name = _text(get.get("name")) or _text(get.get("fullname")) or _text(get.get("displayname"))
    if not name:
        return ()
    stated = _text(get.get("type"))
    organisation_like = stated.endswith("Organization") or (
        not stated and (default == "Organization" or is_agency(name))
    )
    url = next(
        (u for k in ("url", "link", "website", "homepage") if urls.is_http_url(u := _text(get.get(k)))), None
    )
    identifier = _text(get.get("id"))
    same = get.get("sameas", ())
    links = tuple(
        s for s in (same if isinstance(same, list) else [same]) if isinstance(s, str) and urls.is_http_url(s)
    )
    return (
        Agent(
            name=name,
            type="Organization" if organisation_like else "Person",
            id=identifier if urls.is_absolute_iri(identifier) else None,
            url=url,
            email=_text(get.get("email")) or None,
            job_title=_text(get.get("jobtitle")) or _text(get.get("role")) or _text(get.get("title")) or None,
            same_as=links,
        ),
    )


def _from_text(value: object) -> list[Agent]:
    return list(_named(_text(value)[:1000]))


@lru_cache(maxsize=1024)  # a newsroom's authors come again and again
def _named(line: str) -> tuple[Agent, ...]:
    text = without_by(line)
    parts: list[str] = []
    for piece in re.split(r"\s*[;|]\s*", text):
        halves = _AND.split(piece)
        names = halves if all(looks_like_name(half.split(",")[0]) for half in halves) else [piece]
        for name in names:
            listed = _without_town([n.strip() for n in name.split(",")])
            several = len(listed) > 1 and all(looks_like_name(n) and not _JOB.search(n) for n in listed)
            parts.extend(listed if several else [", ".join(listed)])
    agents = [agent for part in parts if (agent := _one(part)) is not None]
    # "Jane Doe | Reuters": the agency is whom she works for, and an author only if it stands alone.
    people = [agent for agent in agents if agent.type == "Person"]
    return tuple(people or agents)


def _without_town(listed: list[str]) -> list[str]:
    """The names between commas, without a last word that is neither a person nor part of a name."""
    word = listed[-1]
    is_name = (
        not all(map(looks_like_name, listed[:-1]))
        or not (word.isalpha() and word[0].isupper())
        or word.lower() in _SUFFIXES
        or is_agency(word)
        or _JOB.search(word) is not None
        or _ORGANISATION.search(word) is not None
    )
    return listed if len(listed) == 1 or is_name else listed[:-1]


def _one(text: str) -> Agent | None:
    email: str | None = None
    match = _MAIL.search(text) if "@" in text else None
    if match:
        email = match[0]
        text = text.replace(match[0], " ").replace("<", " ").replace(">", " ")
        text = text.replace("()", " ").strip()
        if text.startswith("(") and text.endswith(")"):
            text = text[1:-1]
    name, _, rest = (part.strip() for part in text.partition(","))
    bracket = re.search(r"\s*\(([^()]{1,40})\)$", name)
    if bracket and is_agency(bracket[1]):
        name = name[: bracket.start()]
    job: str | None = None
    if rest and _JOB.search(rest):
        job = rest
    elif rest and not is_agency(rest):
        name = f"{name}, {rest}"
    name = " ".join(name.split())
    if not name:
        return Agent(email, email=email) if email else None
    organisation_like = is_agency(name) or (
        email is None and (name.startswith("The ") or _ORGANISATION.search(name) is not None)
    )
    return Agent(name, "Organization" if organisation_like else "Person", email=email, job_title=job)
