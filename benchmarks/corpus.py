"""Makes a folder of articles for the benchmarks: Markdown with front matter, the same for the same seed."""

from __future__ import annotations

import datetime as dt
import random
from pathlib import Path

_WORDS = """the harbour council on Tuesday agreed to repair a bridge after months of talks with residents
who had asked for safer crossings near the school and market while engineers warned that costs could rise
again in spring because steel prices remain high across the region officials said work would begin before
summer and finish within two years if weather allows local traders welcomed the plan but want better signs
for visitors buses will run from the old station every ten minutes during closures and tickets stay valid
an inquiry found no fault with earlier inspections yet recommended new sensors along both piers fishing
crews reported larger catches of herring than last year and hope that quotas will be raised museum opens
exhibition about shipbuilding volunteers planted trees along river paths teachers praised pupils""".split()
_SECTIONS = ("Local", "Business", "Culture", "Sport", "Politics")
_AUTHORS = ("Ada Marsh", "Tom Reed", "Lena Vogt", "Ravi Nair", "Ines Costa", "Jo Byrne")


def write(folder: Path, count: int, *, first: int = 0, words: int = 400) -> None:
    """Write `count` articles of about `words` words, numbered from `first`, in subfolders of 500."""
    for number in range(first, first + count):
        chosen = random.Random(number)
        start = dt.datetime(2016, 1, 1, tzinfo=dt.UTC)
        date = start + dt.timedelta(minutes=number * 37 % (10 * 365 * 24 * 60))
        paragraphs = []
        for _ in range(words // 50):
            text = " ".join(chosen.choices(_WORDS, k=50))
            paragraphs.append(f"{text.capitalize()}.")
        title = " ".join(chosen.choices(_WORDS, k=7)).capitalize()
        path = folder / f"{number // 500:04}" / f"article-{number:07}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"---\ntitle: {title} {number}\ndate: {date.isoformat()}\nauthor: {chosen.choice(_AUTHORS)}\n"
            f"section: {chosen.choice(_SECTIONS)}\ntags: [{', '.join(set(chosen.choices(_WORDS[40:80], k=3)))}]\n"
            f"summary: {paragraphs[0][:140]}\n---\n" + "\n\n".join(paragraphs) + "\n",
            "utf-8",
        )
