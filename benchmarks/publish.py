"""Cold publish and refresh against the obvious program, in one run: prints a table of ratios.

    python benchmarks/publish.py [--sizes 1000 10000]

Each program is a process of its own; time is wall time from start to exit, memory is the peak
resident set of the process and of its largest child. "warm" is a refresh inside a running process,
as the daemon does it. A new article has been lying there for a quarter of a second when the refresh
begins: feedpub leaves files alone that were written in the last fifth of one. "not verified" is a first
publication without the proof before publishing (`verify = false`), "not compressed" one without compressed
twins (`compress = false`), so that the cost of each shows apart.

The peers, in benchmarks/obvious.py: the obvious program, which calls each package as its own
introduction shows it and writes feeds only; the same tuned by somebody who knows where the packages
lose time; and that one writing a page and a record for each article as well, as feedpub does,
since otherwise the feeds' links lead nowhere.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import corpus

HERE = Path(__file__).parent
_WARM = """
import sys, time, pathlib
from feedpub.config import load
from feedpub.pipeline import publish
config = load(pathlib.Path(sys.argv[1]))
publish(config)
sys.path.insert(0, sys.argv[2])
import corpus
times = []
for number in range(5):
    corpus.write(config.sources[0].path, 1, first=int(sys.argv[3]) + number)
    time.sleep(0.25)
    start = time.perf_counter()
    report = publish(config)
    times.append(time.perf_counter() - start)
    assert report.sources[0].new == 1, report.sources
print(sorted(times)[2])
"""


def run(*command: str) -> tuple[float, int]:
    """Seconds and peak resident bytes of one process."""
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - start
    if status:
        sys.exit(f"{' '.join(command)} failed")
    return seconds, usage.ru_maxrss * 1024


def newsroom(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "feedpub.toml").write_text(
        '[site]\ntitle = "News"\nurl = "https://news.example/"\nlanguage = "en"\n'
        'key = "8b0e7e0a-5a0f-4f0e-9d53-0d8a0c6f3e11"\n\n[site.publisher]\nname = "News"\nurl = "https://news.example/"\n\n'
        '[sources.articles]\npath = "articles"\n',
        "utf-8",
    )
    # The same articles once more: without reading back what was written, and without compressing it.
    text = (folder / "feedpub.toml").read_text("utf-8").replace('"articles"', '"../articles"')
    for name in ("verify", "compress"):
        without = folder / f"without-{name}"
        without.mkdir()
        (without / "feedpub.toml").write_text(f"{text}\n[publish]\n{name} = false\n", "utf-8")


def measure(size: int, folder: Path) -> None:
    newsroom(folder)
    articles = folder / "articles"
    corpus.write(articles, size)
    feedpub = [sys.executable, "-m", "feedpub", "publish", "--quiet", str(folder)]
    program = (sys.executable, str(HERE / "obvious.py"), str(articles), str(folder / "obvious"))
    peers = {
        "obvious program, any run": run(*program),
        "tuned, any run": run(*program, "--tuned"),
        "tuned, with pages, any run": run(*program, "--tuned", "--pages"),
    }
    unproved, _ = run(*feedpub[:-1], str(folder / "without-verify"))
    plain, _ = run(*feedpub[:-1], str(folder / "without-compress"))
    cold, memory = run(*feedpub)
    idle, _ = run(*feedpub)
    corpus.write(articles, 1, first=size)
    time.sleep(0.25)
    one, one_memory = run(*feedpub)
    warm = float(
        subprocess.run(
            [sys.executable, "-c", _WARM, str(folder / "feedpub.toml"), str(HERE), str(size + 1)],
            check=True, capture_output=True, text=True,
        ).stdout
    )  # fmt: skip
    rows = {
        **peers,
        "feedpub, cold, not verified": (unproved, None),
        "feedpub, cold, not compressed": (plain, None),
        "feedpub, cold": (cold, memory),
        "feedpub, nothing changed": (idle, None),
        "feedpub, one new article": (one, one_memory),
        "feedpub, one new, warm": (warm, None),
    }
    print(
        f"\n{size:,} articles".ljust(31)
        + "seconds   of obvious   of tuned   of tuned with pages   peak memory"
    )
    for name, (seconds, peak) in rows.items():
        ratios = [f"{seconds / peer:.3f}" for peer, _ in peers.values()]
        shown = f"{peak / 1e6:.0f} MB" if peak else ""
        print(
            f"{name:30}{seconds:7.3f}   {ratios[0]:10}   {ratios[1]:8}   {ratios[2]:19}   {shown}", flush=True
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000])
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="feedpub-benchmark-"))
    try:
        for size in arguments.sizes:
            measure(size, folder / str(size))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
