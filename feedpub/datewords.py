"""Dates in words: what a text like "mardi 2 septembre 2025 à 14h30" says, in some 25 languages."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from zoneinfo import ZoneInfo

# January to December in each language; "/" separates forms (nominative/genitive, spellings).
_MONTH_NAMES = """
january february march april may june july august september/sept october november december
januar/jänner februar/feber märz/maerz april mai juni juli august september/sept oktober november dezember
janvier février mars avril mai juin juillet/juil août septembre octobre novembre décembre
enero febrero marzo abril mayo junio julio agosto septiembre/setiembre octubre noviembre diciembre
gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre
janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro
januari februari maart april mei juni juli augustus september oktober november december
styczeń/stycznia luty/lutego marzec/marca kwiecień/kwietnia maj/maja czerwiec/czerwca lipiec/lipca sierpień/sierpnia wrzesień/września październik/października listopad/listopada grudzień/grudnia
leden/ledna únor/února březen/března duben/dubna květen/května červen/června červenec/července srpen/srpna září říjen/října listopad/listopadu prosinec/prosince
január február marec/marca apríl/apríla máj/mája jún/júna júl/júla august/augusta september/septembra október/októbra november/novembra december/decembra
január február március április május június július augusztus szeptember október november december
ianuarie februarie martie aprilie mai iunie iulie august septembrie octombrie noiembrie decembrie
januari februari mars april maj juni juli augusti september oktober november december
januar februar marts april maj juni juli august september oktober november desember
tammikuu/tammikuuta helmikuu/helmikuuta maaliskuu/maaliskuuta huhtikuu/huhtikuuta toukokuu/toukokuuta kesäkuu/kesäkuuta heinäkuu/heinäkuuta elokuu/elokuuta syyskuu/syyskuuta lokakuu/lokakuuta marraskuu/marraskuuta joulukuu/joulukuuta
ocak şubat mart nisan mayıs haziran temmuz ağustos eylül ekim kasım aralık
januari februari maret april mei juni juli agustus september oktober november desember
январь/января февраль/февраля март/марта апрель/апреля май/мая июнь/июня июль/июля август/августа сентябрь/сентября октябрь/октября ноябрь/ноября декабрь/декабря
січень/січня лютий/лютого березень/березня квітень/квітня травень/травня червень/червня липень/липня серпень/серпня вересень/вересня жовтень/жовтня листопад/листопада грудень/грудня
януари февруари март април май юни юли август септември октомври ноември декември
ιανουάριος/ιανουαρίου φεβρουάριος/φεβρουαρίου μάρτιος/μαρτίου απρίλιος/απριλίου μάιος/μαΐου ιούνιος/ιουνίου ιούλιος/ιουλίου αύγουστος/αυγούστου σεπτέμβριος/σεπτεμβρίου οκτώβριος/οκτωβρίου νοέμβριος/νοεμβρίου δεκέμβριος/δεκεμβρίου
يناير فبراير مارس أبريل/ابريل مايو يونيو يوليو أغسطس سبتمبر أكتوبر نوفمبر ديسمبر
كانون‿الثاني شباط آذار نيسان أيار حزيران تموز آب أيلول تشرين‿الأول تشرين‿الثاني كانون‿الأول
جنوری فروری مارچ اپریل مئی جون جولائی اگست ستمبر اکتوبر نومبر دسمبر
जनवरी फ़रवरी/फरवरी मार्च अप्रैल मई जून जुलाई अगस्त सितंबर/सितम्बर अक्टूबर/अक्तूबर नवंबर/नवम्बर दिसंबर/दिसम्बर
"""
# Monday to Sunday in each language; "/" separates forms.
_WEEKDAY_NAMES = """
monday tuesday wednesday thursday friday saturday sunday
mon tue/tues wed thu/thur/thurs fri sat sun
montag dienstag mittwoch donnerstag freitag samstag/sonnabend sonntag
lundi mardi mercredi jeudi vendredi samedi dimanche
lunes martes miércoles jueves viernes sábado domingo
lunedì martedì mercoledì giovedì venerdì sabato domenica
segunda terça quarta quinta sexta sábado domingo
maandag dinsdag woensdag donderdag vrijdag zaterdag zondag
poniedziałek wtorek środa czwartek piątek sobota niedziela
måndag tisdag onsdag torsdag fredag lördag söndag
mandag tirsdag onsdag torsdag fredag lørdag søndag
maanantai tiistai keskiviikko torstai perjantai lauantai sunnuntai
pazartesi salı çarşamba perşembe cuma cumartesi pazar
понедельник вторник среда четверг пятница суббота воскресенье
понеділок вівторок середа четвер п'ятниця субота неділя
الاثنين/الإثنين الثلاثاء الأربعاء الخميس الجمعة السبت الأحد
پیر منگل بدھ جمعرات جمعہ ہفتہ اتوار
senin selasa rabu kamis jumat sabtu minggu
"""
_WEEKDAY_PARTS = "feira пн вт ср чт пт сб вс lu ma me je ve sa di mo do fr so"

_FILLERS = """
of de del the on den der dem le la el al at um uhr kl klo a as às las alle ore o r g h hrs hours hodin
saat godz goda roku года году г р року в о об في الساعة م ه à do da em am
"""
FILLERS = frozenset(_FILLERS.split())
"""Words that may stand in a date and mean nothing by themselves."""

# Only abbreviations with one meaning in news, those of RFC 822 section 5.1 first; IST (India, Israel,
# Ireland), AST and the like stay unread. BST is taken as British Summer Time. Minutes east of UTC.
_ZONES = """
ut 0 utc 0 gmt 0 z 0 est -300 edt -240 cst -360 cdt -300 mst -420 mdt -360 pst -480 pdt -420 wet 0 west 60
bst 60 cet 60 cest 120 mez 60 mesz 120 eet 120 eest 180 msk 180 trt 180 eat 180 wat 60 cat 120 sast 120
pkt 300 npt 345 wib 420 wita 480 wit 540 hkt 480 sgt 480 awst 480 jst 540 kst 540 acst 570 aest 600
aedt 660 nzst 720 nzdt 780 akst -540 akdt -480 hst -600
"""
ZONE_OFFSETS = {name: int(minutes) for name, minutes in re.findall(r"([a-z]+) (-?[0-9]+)", _ZONES)}
ZONE_NAMES = {
    "et": "America/New_York",
    "ct": "America/Chicago",
    "mt": "America/Denver",
    "pt": "America/Los_Angeles",
}
_DOTLESS = str.maketrans({"ı": "i", "ł": "l", "ø": "o", "\u0640": None, "\u200e": None, "\u200f": None})

_EAST_ASIAN = re.compile(
    r"([0-9]{4}) ?[年년] ?(?:([0-9]{1,2}) ?[月월] ?(?:([0-9]{1,2}) ?[日일号])?)?"
    r"(?: ?(?:[(（][^)）]{1,4}[)）])? ?(?:(上午|午前|오전|下午|午後|오후) ?)?"
    r"([0-9]{1,2})(?:[:：]|[時时点시] ?)(?:([0-9]{2})[分분]?)?)?\Z"
)
_CLOCK = re.compile(
    r"(?<![0-9.])([0-9]{1,2})"
    r"(?:(?: ?h ?|:)([0-9]{2})(?::([0-9]{2})(?:[.,][0-9]{1,9})?)?(?![0-9])"
    r"(?: ?([ap])\.?m\b\.?| ?(?:uhr|hrs|h)\b)?"
    r"|(?:\.([0-9]{2}))? ?(?:([ap])\.?m\b\.?|uhr\b|h\b)"
    r"|(?<=klo .)\.([0-9]{2})|(?<=klo ..)\.([0-9]{2})|(?<=kl\. ..)\.([0-9]{2}))"
)
_OFFSET = re.compile(
    r" ?[(\[]?(?:(?:gmt|utc) ?)?([+\-−])([0-9]{1,2})(?::?([0-9]{2}))?(?![0-9])[)\]]?"
    r"(?: ?\[([a-z_/+-]{3,40})\])?"
)
_ZONE = re.compile(r" ?[(\[]?([a-z]{1,5}(?![a-z/])|[a-z_]{2,20}/[a-z_/+-]{2,30})[)\]]?(?!\w)")
_YEAR_FIRST = re.compile(r"([0-9]{4})([-/.])([0-9]{1,2})(?:\2([0-9]{1,2}))?\.?(?![0-9])")
_YEAR_LAST = re.compile(r"(?<![0-9])([0-9]{1,2})(?: ?([-/.]) ?)([0-9]{1,2}) ?\2 ?([0-9]{4})(?![0-9])")
_MONTH_YEAR = re.compile(r"([0-9]{1,2})/([0-9]{4})\Z")
_COMMENT = re.compile(r"\([^()0-9+:]{1,40}\)")
_TOKEN = re.compile(
    r"([0-9]+)(?:(?:st|nd|rd|th|er|e|ro|º|ª|°|-?го)\b)?|([^\W\d_][^\s\d,.;|·•–—\-/()]*)|([^\s,.;|·•–—\-/])"
)
Clock = tuple[int, int, int | None]


@lru_cache(maxsize=2048)
def fold(word: str) -> str:
    """`word` in lower case and without accents."""
    if word.isascii():
        return word.lower()
    plain = unicodedata.normalize("NFKD", word.casefold().translate(_DOTLESS))
    return "".join(c for c in plain if not unicodedata.combining(c))


@lru_cache(maxsize=1)
def months() -> dict[str, int]:
    """Name or usual abbreviation, folded → 1 to 12."""
    exact: dict[str, int] = {}
    first: dict[str, int] = {}
    others: dict[str, set[int]] = {}
    for row, line in enumerate(_MONTH_NAMES.strip().splitlines()):
        short: dict[str, set[int]] = {}
        for number, forms in enumerate(line.split(), 1):
            for form in map(fold, forms.split("/")):
                exact[form] = number
                for length in (3, 4, 5):
                    if len(form) > length:
                        short.setdefault(form[:length], set()).add(number)
        for word, numbers in short.items():
            # "mar" is March although Finnish abbreviates November so: the first seven languages win.
            if row < 7 and len(numbers) == 1:
                first.setdefault(word, *numbers)
            others.setdefault(word, set()).update(numbers)
    unambiguous = {word: next(iter(numbers)) for word, numbers in others.items() if len(numbers) == 1}
    return {**unambiguous, **first, **exact}


@lru_cache(maxsize=1)
def weekdays() -> frozenset[str]:
    """Names and usual abbreviations, folded."""
    words: set[str] = set()
    for form in (fold(w) for w in f"{_WEEKDAY_NAMES} {_WEEKDAY_PARTS}".replace("/", " ").split()):
        words.add(form)
        words.update(form[:length] for length in (2, 3, 4) if len(form) > length + 1)
    return frozenset(words)


@lru_cache(maxsize=1)
def _weekday_numbers() -> dict[str, int]:
    """Name, folded → 0 for Monday to 6, of the names that mean one day in all languages."""
    found: dict[str, set[int]] = {}
    for line in _WEEKDAY_NAMES.strip().splitlines():
        for number, forms in enumerate(line.split()):
            for form in map(fold, forms.split("/")):
                found.setdefault(form, set()).add(number)
    return {form: next(iter(numbers)) for form, numbers in found.items() if len(numbers) == 1}


def weekday_in(text: str) -> int | None:
    """0 for Monday to 6 if `text` names a day of the week, and one only; else None."""
    table = _weekday_numbers()
    named = {table[word] for word in map(fold, re.findall(r"[^\W\d_][\w']*", text)) if word in table}
    return named.pop() if len(named) == 1 else None


@lru_cache(maxsize=256)
def find_zone(name: str) -> ZoneInfo | None:
    """The IANA zone of that name, or None if there is none."""
    try:
        return ZoneInfo(name)
    except (ValueError, KeyError, OSError):  # a path, an unknown name, a folder's name
        return None


@dataclass(frozen=True, slots=True)
class Stated:
    """What the words of a date say, unchecked: `offset` in minutes east of UTC, `zone` an IANA name."""

    year: int
    month: int | None = None
    day: int | None = None
    clock: Clock | None = None
    offset: int | None = None
    zone: str | None = None


def read(text: str, dayfirst: bool | None) -> Stated | None:
    """What `text` as a whole says, or None if it holds anything but one date."""
    text = unicodedata.normalize("NFKC", text)
    if not text.isascii():
        text = "".join(str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in text)
    text = " ".join(text.lower().replace("’", "'").split())
    match = _EAST_ASIAN.match(text)
    if match:
        return _from_east_asian(match)
    taken = _take_clock(text)
    if taken is None:
        return None
    clock, offset, zone_name, rest = taken
    found = _take_date(_COMMENT.sub(" ", rest), dayfirst)
    return Stated(*found, clock, offset, zone_name) if found is not None else None


def read_clock(text: str) -> tuple[Clock, int | None, str | None] | None:
    """The time of day that `text` as a whole says, its offset in minutes and its IANA zone; else None."""
    taken = _take_clock(" ".join(unicodedata.normalize("NFKC", text).lower().split()).removeprefix("t"))
    if taken is None:
        return None
    clock, offset, zone_name, rest = taken
    return (clock, offset, zone_name) if clock is not None and _only_fillers(rest) else None


def _from_east_asian(match: re.Match[str]) -> Stated:
    year, month, day, half, hour, minute = match.groups()
    clock: Clock | None = None
    if hour is not None:
        number = int(hour)
        if half in ("下午", "午後", "오후") and number < 12:
            number += 12
        clock = (number, int(minute or 0), None)
    return Stated(int(year), int(month) if month else None, int(day) if day else None, clock)


def offset_minutes(sign: str, hours: str, minutes: str | None) -> int | None:
    """Minutes east of UTC, or None where no clock on earth can be so far off."""
    total = int(hours) * 60 + int(minutes or 0)
    if int(minutes or 0) > 59 or total > 14 * 60:
        return None
    return total if sign == "+" else -total


def _take_clock(text: str) -> tuple[Clock | None, int | None, str | None, str] | None:
    """The time, its offset in minutes, its zone, and the text without them; None if it cannot be one."""
    match = _CLOCK.search(text)
    if match is None:
        return None, None, None, text
    groups = match.groups()
    hour = int(groups[0])
    minute = int(groups[1] or groups[4] or groups[6] or groups[7] or groups[8] or 0)
    half = groups[3] or groups[5]
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    clock: Clock = (hour, minute, int(groups[2]) if groups[2] else None)
    before, after = text[: match.start()], text[match.end() :]
    if before.endswith("t") and before[-2:-1].isdigit():
        before = before[:-1]
    offset: int | None = None
    zone_name: str | None = None
    found = _OFFSET.match(after)
    if found:
        offset = offset_minutes("+" if found[1] == "+" else "-", found[2], found[3])
        if offset is None:
            return None
        zone_name = _iana(found[4]) if found[4] else None
        after = after[found.end() :]
    else:
        found = _ZONE.match(after)
        name = found[1] if found else ""
        if found and name in ZONE_OFFSETS:
            offset, after = ZONE_OFFSETS[name], after[found.end() :]
        elif found and (name in ZONE_NAMES or "/" in name):
            zone_name = ZONE_NAMES.get(name) or _iana(name)
            if zone_name is None:
                return None
            after = after[found.end() :]
    return clock, offset, zone_name, f"{before} {after}"


def _iana(lowered: str) -> str | None:
    name = "/".join(
        "_".join(w if w in ("of", "es") else w.capitalize() for w in part.split("_"))
        for part in lowered.split("/")
    )
    return name if find_zone(name) is not None else None


def _take_date(text: str, dayfirst: bool | None) -> tuple[int, int | None, int | None] | None:
    """Year, month, day, of which the finest may be None; None if the text is not wholly a date."""
    for pattern in (_YEAR_FIRST, _YEAR_LAST):
        match = pattern.search(text)
        if match and _only_fillers(text[: match.start()] + " " + text[match.end() :]):
            if pattern is _YEAR_FIRST:
                return int(match[1]), int(match[3]), int(match[4]) if match[4] else None
            return _numeric_day(int(match[1]), int(match[3]), int(match[4]), match[2], dayfirst)
    match = _MONTH_YEAR.match(text.strip())
    if match:
        return int(match[2]), int(match[1]), None
    for word in ("تشرين الأول", "تشرين الثاني", "كانون الأول", "كانون الثاني"):
        text = text.replace(word, word.replace(" ", "‿"))
    table = months()
    numbers: list[str] = []
    found: list[str] = []
    for number, word, other in _TOKEN.findall(text):
        if other:
            return None
        if number:
            numbers.append(number)
            continue
        folded = fold(word)
        if folded in table:
            found.append(folded)
        elif folded not in weekdays() and word not in FILLERS and folded not in FILLERS:
            return None
    # "mar. 2 sept." begins with mardi, not with March.
    if len(found) > 2 or (len(found) == 2 and found[0] not in weekdays()):
        return None
    month = table[found[-1]] if found else None
    return _assign(numbers, month)


def _assign(numbers: list[str], month: int | None) -> tuple[int, int | None, int | None] | None:
    years = [n for n in numbers if len(n) == 4]
    days = [n for n in numbers if len(n) <= 2]
    if len(years) + len(days) != len(numbers):
        return None
    if len(years) == 1 and len(days) == (1 if month else 0):
        return int(years[0]), month, int(days[0]) if days else None
    if len(years) == 1 and not days:
        return int(years[0]), month, None
    if not years and len(days) == 2 and month and len(days[1]) == 2:
        # RFC 5322 section 4.3: 00-49 are 2000 on, 50-99 the last century.
        year = int(days[1])
        return year + (2000 if year < 50 else 1900), month, int(days[0])
    return None


def _only_fillers(text: str) -> bool:
    return all(
        word and (word in FILLERS or fold(word) in weekdays() or fold(word) in FILLERS)
        for number, word, other in _TOKEN.findall(text)
    )


def _numeric_day(
    first: int, second: int, year: int, separator: str, dayfirst: bool | None
) -> tuple[int, int, int] | None:
    if separator == ".":
        dayfirst = True  # dots are written only where the day comes first
    elif first > 12 or first == second:
        dayfirst = True
    elif second > 12:
        dayfirst = False
    if dayfirst is None:
        return None
    return (year, second, first) if dayfirst else (year, first, second)
