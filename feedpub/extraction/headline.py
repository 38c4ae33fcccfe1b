"""A headline for a text that has none: the lead sentence, shortened by rule, in its own words.

Words are only ever left out, never changed, added or moved. What would change the meaning is not
cut away: conditions ("unless …"), and who says so ("…, prosecutors said").
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

MAX_LENGTH = 110
_LEAST = 35
_LOOK = 3000

_END = re.compile(r"""[.!?…]+["'”’»›)\]]*(?=\s|$)|[。！？｡۔؟।॥]+["'”’»」』）)\]]*""")
_ABBREVIATIONS = frozenset(
    """jan feb mar apr jun jul aug sep sept oct nov dec mon tue tues wed thu thur thurs fri sat sun
    mr mrs ms mx dr prof rev hon sen rep gov gen col lt maj capt sgt cmdr adm pres st ste mt ft sr jr
    no nos vs etc inc ltd co corp cos bros dept est approx fig vol art ca cf al gmbh ag
    bzw z.b d.h u.a usw nr str hr fr mme mlle m sra srta dra ud av pág núm tel e.g i.e p pp op""".split()  # noqa: SIM905
)
# Abbreviations that can also end a sentence; what follows decides.
_MONTHS = frozenset("jan feb mär mar apr mai maj jun jul aug sep okt oct nov dez dec".split())  # noqa: SIM905
_DOTTED = re.compile(r"(?:[^\W\d_]\.)+[^\W\d_]?", re.UNICODE)
_STARTERS = frozenset(
    """the a an in on at it he she they we but and this that these those there his her its their
    after as""".split()  # noqa: SIM905
)

_WEEKDAYS = frozenset("monday tuesday wednesday thursday friday saturday sunday".split())  # noqa: SIM905
_DAY_PARTS = frozenset("morning afternoon evening night".split())  # noqa: SIM905
_TITLES = frozenset(
    """president minister chancellor senator governor mayor king queen prince princess pope secretary
    chairman chairwoman chairperson chair director ambassador general spokesman spokeswoman
    spokesperson commissioner premier""".split()  # noqa: SIM905
)
_SAYING = frozenset(
    """said says say told tells announced reported reports according claimed claims claim alleged
    alleges allege stated added wrote confirmed warned argued insisted denied testified""".split()  # noqa: SIM905
)
_VERBS = _SAYING | frozenset(
    """is are was were be been has have had will would can could may might must shall should do does did
    won lost stole made took beat sank swore hid rode sang threatens met held began
    left gave got went came saw found sent set put cut hit led kept fell
    rose grew became broke brought built bought caught chose drew drove fought flew hurt killed laid let
    paid ran sold shot shut spoke spent stood struck swept taught threw understood wore withdrew
    says wins takes makes meets holds begins leaves gives goes comes sees finds opens closes calls plans
    seeks faces backs launches signs agrees approves wants""".split()  # noqa: SIM905
)
# Where one of these begins, what stands before is whole and stays true without what follows.
_CLAUSES = frozenset("as after while when where because amid following despite since".split())  # noqa: SIM905
_ADJUNCTS = frozenset("in at on during near across with over by".split())  # noqa: SIM905
# And where one of these comes, it does not.
_CONDITIONS = frozenset(
    """if unless until without except but only than whether provided not never no nor before barring
    falsely allegedly reportedly""".split()  # noqa: SIM905
)
STOP_WORDS = frozenset(
    """a an the and or but nor of to in on at by for from with into onto about over under after before
    as than that which who whom whose this these those its his her their our your my is are was were be
    been has have had will would can could may might must shall should not no if when while where
    because since until unless amid during despite near across between against per via
    der die das den dem des ein eine einen einem einer und oder aber von vom zu zum zur im am an auf mit für
    le la les un une des du de et ou à au aux en dans par pour sur avec que qui
    el los las una y o del al con por para se il lo gli i e di da nel nella con per che
    os as um uma e do da dos das em no na nos nas het een van voor met op te
    och att i på av för med и в на с о по из к для но и от
    और का के की में से को पर اور کا کے کی میں سے کو پر نے و في من إلى على عن""".split()  # noqa: SIM905
)

_NAMELESS = STOP_WORDS | _WEEKDAYS
_OPENINGS = frozenset("after following amid despite during in at on for under since with over across".split())  # noqa: SIM905
_AND = frozenset(("and", "or", "und", "oder", "et", "ou", "y", "e", "o", "en", "och", "og", "и"))
_JOINTS = frozenset(("which", "who", "with", "including"))
_SOURCE_DETAILS = _ADJUNCTS | {"published", "released"}
_NOT_CLAUSE = frozenset(("well", "much", "many", "a", "the"))
_COMMON = frozenset(("the", "of", "and", "to", "in", "a"))
_TAKING_BACK = _CONDITIONS - {"only", "than", "before", "no", "not", "nor", "never", "but"}

Span = tuple[int, int]


def headline_from_lead(body_text: str, dateline: str | None = None) -> tuple[str, int, int]:
    """A headline of at most 110 characters out of the first sentence, and where that stands.

    The whole sentence if it fits; else without what is in brackets, weekdays and titles before
    names; else up to the last clause boundary that fits. Only where no fair cut is found does it
    end in "…".

    Args:
        body_text: the article's text; may be anything.
        dateline: skipped where the text begins with it.

    Returns:
        The headline ("" for a text without any character to see), and the start and end, in code
        points of `body_text`, of the words that it was made from.
    """
    start = _skip(body_text, dateline)
    text = body_text[start : start + _LOOK]
    end = _sentence_end(text)
    words = [(match.start() + start, match.end() + start) for match in re.finditer(r"\S+", text[:end])]
    if not words:
        return "", 0, 0
    return _shorten(body_text, words)


def first_sentence(text: str) -> str:
    """The first sentence of `text` with its full stop; all of its first paragraph if it has none."""
    text = text[:_LOOK].lstrip()
    return text[: _sentence_end(text)].rstrip()


def _skip(body: str, dateline: str | None) -> int:
    start = len(body) - len(body.lstrip())
    if dateline and body.startswith(dateline, start):
        after = start + len(dateline)
        gap = re.match(r"[\s—–:-]{0,20}", body[after : after + 20])
        after += gap.end() if gap else 0
        if body[after : after + 1]:
            return after
    return start


def _sentence_end(text: str) -> int:
    paragraph = re.search(r"\n[ \t]*\n", text)
    limit = paragraph.start() if paragraph else len(text)
    for match in _END.finditer(text, 0, limit):
        if _ends_here(text, match, limit):
            return match.end()
    return limit


def _ends_here(text: str, match: re.Match[str], limit: int) -> bool:
    mark = match.group()
    following = re.match(r"\s*[\"'“‘«„(\[]*(\S+)", text[match.end() : min(limit, match.end() + 80)])
    if following is None:
        return True
    after = following.group(1)
    if mark[0] in "。！？｡۔؟।॥":
        # A quotation that goes on: 「…。」と述べた
        return len(mark) == 1 or mark[-1] not in "」』”"
    if after[0].islower():
        return False
    if not mark.startswith(".") or mark.startswith(".."):
        return True
    before = re.search(r"\S{1,30}$", text[max(0, match.start() - 30) : match.start()])
    word = before.group().lstrip("\"'“‘«„([").lower() if before else ""
    if len(word) == 1 and word.isalpha():
        return False
    if word in _ABBREVIATIONS:
        return word == "no" and not after[0].isdigit()
    if _DOTTED.fullmatch(word):
        return after.lower().strip(",") in _STARTERS
    return not (word.isdigit() and len(word) <= 2 and after[0].isalpha() and _is_month(after))


def _is_month(word: str) -> bool:
    # German and others write the day with a full stop: "2. September".
    return word.lower()[:3] in _MONTHS


def _shorten(body: str, words: list[Span]) -> tuple[str, int, int]:
    kept = words
    for step in (_as_it_is, _without_brackets, _without_weekdays, _without_titles, _cut, _without_opening):
        kept = step(body, kept) or kept
        headline = _joined(body, kept)
        if len(headline) <= MAX_LENGTH:
            return _capitalised(headline) if step is _without_opening else headline, *_span(kept)
    found = _cut(body, kept)
    if found is not None:
        headline = _joined(body, found)
        return _capitalised(headline), *_span(found)
    for step in (_without_brackets, _without_weekdays, _without_titles):
        words = step(body, words)
    return _with_ellipsis(body, words)


def _capitalised(headline: str) -> str:
    first = headline[:1].upper()
    return first + headline[1:] if len(first) == 1 else headline


def _span(words: list[Span]) -> Span:
    return words[0][0], words[-1][1]


def _as_it_is(_: str, words: list[Span]) -> list[Span]:
    return words


def _joined(body: str, words: Sequence[Span]) -> str:
    """The words with single spaces between; the full stop of a sentence and open commas go."""
    text = " ".join(body[start:end] for start, end in words).replace(" ,", ",")
    stripped = text.rstrip(" ,;:—–-،、，؛")
    if stripped.endswith(("。", "۔", "।", "॥", "｡")):
        stripped = stripped[:-1]
    elif stripped.endswith(".") and not stripped.endswith(".."):
        last = stripped.rpartition(" ")[2].strip("\"'“‘«„([")
        # The point of an abbreviation belongs to the word.
        dotted = "." in last[:-1] and _DOTTED.fullmatch(last[:-1])
        if last[:-1].lower() not in _ABBREVIATIONS and not dotted:
            stripped = stripped[:-1]
    return stripped or text


def _plain(body: str, word: Span) -> str:
    return body[word[0] : word[1]].strip(".,;:!?\"'“”‘’«»()[]—–-").lower()


def _without_brackets(body: str, words: list[Span]) -> list[Span]:
    kept: list[Span] = []
    depth = 0
    for word in words:
        text = body[word[0] : word[1]]
        if depth == 0 and not text.startswith("("):
            # Brackets inside a word, as in "member(s)", belong to it.
            kept.append(word)
            continue
        depth = max(0, depth + text.count("(") - text.count(")"))
        if depth == 0:
            _keep_comma(body, word, kept)
    return kept if depth == 0 else words


def _keep_comma(body: str, dropped: Span, kept: list[Span]) -> None:
    """The comma after dropped words goes to the word before them."""
    end = dropped[1]
    if body[end - 1] == "," and kept and body[kept[-1][1] - 1] != ",":
        kept.append((end - 1, end))


def _without_weekdays(body: str, words: list[Span]) -> list[Span]:
    """Without "on Tuesday", "late on Tuesday evening"."""
    plain = [_plain(body, word) for word in words] + [""] * 3
    kept: list[Span] = []
    index = 0
    while index < len(words):
        after = index + (plain[index] in ("late", "early"))
        if index > 0 and plain[after] == "on" and plain[after + 1] in _WEEKDAYS:
            after += 2 + (plain[after + 2] in _DAY_PARTS)
            _keep_comma(body, words[after - 1], kept)
            index = after
        else:
            kept.append(words[index])
            index += 1
    return kept


def _without_opening(body: str, words: list[Span]) -> list[Span]:
    """Without "After months of talks," at the beginning; never without a condition."""
    if _plain(body, words[0]) not in _OPENINGS:
        return words
    for index, word in enumerate(words[:20]):
        if body[word[1] - 1] == ",":
            return words[index + 1 :] or words
    return words


def _without_titles(body: str, words: list[Span]) -> list[Span]:
    """Without "Russian President" before "Vladimir Putin": a title inside a run of capitalised words."""
    kept: list[Span] = []
    run: list[Span] = []
    for word in words:
        text = body[word[0] : word[1]]
        if text[0].isupper() and _plain(body, word) not in _NAMELESS:
            run.append(word)
            if text[-1] not in ',;:)”"':
                continue
            kept += _name_only(body, run)
        else:
            kept += [*_name_only(body, run), word]
        run = []
    return kept + _name_only(body, run)


def _name_only(body: str, run: list[Span]) -> list[Span]:
    for index in range(len(run) - 3, -1, -1):
        if _plain(body, run[index]) in _TITLES and not body[run[index][0] : run[index][1]].endswith(","):
            return run[index + 1 :]
    return run


def _cut(body: str, words: list[Span]) -> list[Span] | None:
    """The best beginning that is a sentence, with the attribution that ends the sentence, if any."""
    raw = [body[start:end] for start, end in words]
    plain = [_plain(body, word) for word in words]
    verbs = [_is_verb(raw[index], plain[index]) for index in range(len(words))]
    tail = _attribution(raw, plain)
    room, last, ending = MAX_LENGTH, len(words), words[len(words) :]
    if tail:
        ending = words[tail : _attribution_end(plain, tail)]
        room, last = MAX_LENGTH - len(_joined(body, ending)) - 2, tail
        if room < _LEAST:
            return None
    english = sum(word in _COMMON for word in plain) * 12 >= len(plain)
    best, best_rank = 0, 0
    depth, length, verb = 0, -1, False
    # An opening clause ("After months of talks, …") is no sentence: the verb counts after its comma.
    opening = (
        plain[0] in _OPENINGS | _CLAUSES | _CONDITIONS
        and plain[1:2] not in (["least"], ["most"])
        and any(word.endswith(",") for word in raw[:12])
    )
    for index in range(1, last):
        previous = raw[index - 1]
        length += 1 + len(previous)
        if length > room + 1:
            break
        depth += _depth(previous)
        if opening:
            opening = not previous.endswith(",")
            continue
        verb = verb or (index > 1 and verbs[index - 1])
        if length < _LEAST or depth > 0 or (english and not verb):
            continue
        rank = _boundary(raw, plain, verbs, index, english)
        if rank >= max(best_rank, 1) and not _hides(plain, index, last, bool(tail)):
            best, best_rank = index, rank
    if not best:
        return None
    kept = words[:best]
    if ending:
        comma = words[tail - 1][1] - 1
        kept = [*kept, *([] if raw[best - 1].endswith(",") else [(comma, comma + 1)]), *ending]
    return kept if len(_joined(body, kept)) <= MAX_LENGTH else None


def _depth(text: str) -> int:
    if text.count('"') % 2:
        return 1 if text.startswith('"') else -1
    return sum(map(text.count, "“«„(「")) - sum(map(text.count, "”»)」"))


def _is_verb(raw: str, plain: str) -> bool:
    return plain in _VERBS or (len(plain) > 4 and plain.endswith("ed") and raw.islower())


def _boundary(raw: list[str], plain: list[str], verbs: list[bool], index: int, english: bool) -> int:
    """How good it is to stop before a word: 3 at a clause, 2 at a subordinate one, 1 at an adjunct, 0 not."""
    # A comma may stand by itself where the word that brought it was dropped.
    before, word = plain[index - 1] or plain[max(index - 2, 0)], plain[index]
    following = plain[index + 1] if index + 1 < len(plain) else ""
    if raw[index] in ("—", "–"):
        return 3
    if before in STOP_WORDS or not before or word in _CONDITIONS or raw[index - 1].endswith(("'s", "’s")):
        return 0
    if raw[index - 1][-1] in ",;:—–،؛":
        return 0 if _in_list(plain, verbs, index) else 3
    if not english or before.endswith("ing"):
        return 0
    if word in _CLAUSES and not (word == "as" and (verbs[index - 1] or following in _NOT_CLAUSE)):
        return 2
    if verbs[index - 1]:
        # What a verb stands right before may complete it: "arrived in", "accused by".
        return 0
    if word == "and" and verbs[index + 1 : index + 2] == [True]:
        return 2
    return int(word in _ADJUNCTS)


def _in_list(plain: list[str], verbs: list[bool], index: int) -> bool:
    """Whether the comma before a word parts members of a list: a few words on there is "and" or "or"."""
    if plain[index] in _AND:
        following = plain[index + 1] if index + 1 < len(plain) else ""
        return following not in ("the", "it", "he", "she", "they") and verbs[index + 1 : index + 2] != [True]
    for position in range(index, min(index + 4, len(plain))):
        word = plain[position]
        if word in _CLAUSES or word in _JOINTS or word.endswith("ing") or verbs[position]:
            return False
        if word in _AND:
            return True
    return False


def _hides(plain: list[str], index: int, last: int, attributed: bool) -> bool:
    """Whether what is cut away is a condition, or says who claims what is kept."""
    rest = plain[index:last]
    if any(word in _TAKING_BACK for word in rest):
        return True
    if attributed or any(word in _SAYING for word in plain[:index]):
        return False
    return any(word in _SAYING for word in rest)


def _attribution(raw: list[str], plain: list[str]) -> int:
    """Where the attribution at the end begins (", police said"), or 0."""
    for index in range(len(raw) - 1, max(0, len(raw) - 14), -1):
        if raw[index - 1].endswith((",", ",”", "”")):
            said = any(word in _SAYING for word in plain[index:])
            return index if said and plain[index] not in ("which", "who") else 0
    return 0


def _attribution_end(plain: list[str], start: int) -> int:
    """Where it may end: ", according to a study" needs no journal and no date."""
    for index in range(start + 4, len(plain)):
        if plain[start] == "according" and plain[index] in _SOURCE_DETAILS:
            return index
    return len(plain)


def _with_ellipsis(body: str, words: list[Span]) -> tuple[str, int, int]:
    """As many whole words as fit, then "…": the last resort. Who says so stays."""
    raw = [body[start:end] for start, end in words]
    tail = _attribution(raw, [_plain(body, word) for word in words])
    said = f", {_joined(body, words[tail:])}" if tail else ""
    if len(said) > MAX_LENGTH // 2:
        tail, said = 0, ""
    kept: list[Span] = []
    length = 0
    for start, end in words[:tail] if tail else words:
        if length + (end - start) + (1 if kept else 0) > MAX_LENGTH - 1 - len(said):
            break
        length += end - start + (1 if kept else 0)
        kept.append((start, end))
    while len(kept) > 1 and (_plain(body, kept[-1]) in STOP_WORDS or not _plain(body, kept[-1])):
        kept.pop()
    if len(kept) >= 2 or (kept and length >= _LEAST):
        return f"{_joined(body, kept).rstrip('.…')}…{said}", kept[0][0], words[-1][1] if said else kept[-1][1]
    # Scripts without spaces: up to the last comma that fits, else between two characters.
    start = words[0][0]
    window = body[start : start + MAX_LENGTH - 1]
    newline = re.search(r"\s", window)
    window = window[: newline.start()] if newline and newline.start() > _LEAST else window
    comma = max(window.rfind(mark) for mark in "，、；,")
    if comma >= _LEAST // 2:
        return window[:comma], start, start + comma
    cut = len(window)
    while cut > 1 and start + cut < len(body) and _joins(body[start + cut]) and len(window) - cut < 20:
        cut -= 1
    return window[:cut].rstrip() + "…", start, start + cut


def _joins(character: str) -> bool:
    joiner = character in "\u200d\ufe0e\ufe0f" or "\U0001f3fb" <= character <= "\U0001f3ff"
    return joiner or unicodedata.combining(character) != 0
