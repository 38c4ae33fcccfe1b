"""The timer in real time: how late and how far adrift ticks of one second are, and what the idle daemon costs.

    python benchmarks/timer.py [--seconds 600] [--idle 120] [--articles 100]

Ticks are refreshes of a newsroom in which nothing changes, by the daemon as `feedpub daemon` runs it.
"late" is how long after its time on the grid a refresh begins, "drift" how much later the last ten
begin than the first ten. Beside it the package `schedule` alone, called as its introduction shows it,
does the same refreshes for a fifth of the time. Idle CPU is the time on a processor that the kernel counted of
the daemon and of the process that refreshes (/proc/PID/task/*/schedstat: Linux only), after the first
refresh, for a source read once a day; then also for one that is watched.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import corpus

_TICKS = """
import json, pathlib, sys, threading, time
from feedpub import daemon
from feedpub.config import load
from feedpub.daemon.refresher import Refresher
config, seconds = load(pathlib.Path(sys.argv[1])), float(sys.argv[2])
refresh, stop, begun, took = Refresher(), threading.Event(), [], []
refresh(config)
def publish(config, *, only=None):
    begun.append(time.monotonic())
    report = refresh(config, only=only)
    took.append(time.monotonic() - begun[-1])
    return report
threading.Timer(seconds + 0.5, stop.set).start()
daemon.run(config, stop=stop, publish=publish)
refresh.close()
print(json.dumps([begun, took]))
"""
_SCHEDULE = """
import json, pathlib, sys, time
import schedule
from feedpub.config import load
from feedpub.daemon.refresher import Refresher
config, seconds = load(pathlib.Path(sys.argv[1])), float(sys.argv[2])
refresh, begun, took = Refresher(), [], []
refresh(config)
def job():
    begun.append(time.monotonic())
    refresh(config)
    took.append(time.monotonic() - begun[-1])
job()
schedule.every(1).seconds.do(job)
end = begun[0] + seconds
while time.monotonic() < end:
    schedule.run_pending()
    time.sleep(max(0.0, min(schedule.idle_seconds(), end - time.monotonic())))
refresh.close()
print(json.dumps([begun, took]))
"""


def newsroom(root: Path, articles: int, every: str, *, watch: bool = False) -> Path:
    """A newsroom of so many articles; returns its feedpub.toml."""
    folder = root / "articles"
    folder.mkdir(parents=True)
    corpus.write(folder, articles)
    path = root / "feedpub.toml"
    path.write_text(
        '[site]\ntitle = "Post"\nlanguage = "en"\nurl = "https://news.example/"\n'
        f'[sources.articles]\npath = "articles"\nevery = "{every}"\nwatch = {json.dumps(watch)}\n'
    )
    return path


def ticks(script: str, config: Path, seconds: float) -> tuple[list[float], list[float]]:
    """When each refresh began after the first, in seconds, and how long each took."""
    ran = subprocess.run(
        [sys.executable, "-c", script, str(config), str(seconds)],
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    begun, took = json.loads(ran.stdout.splitlines()[-1])
    return [at - begun[0] for at in begun], took


def late(begun: list[float]) -> list[float]:
    """How long after its time on the grid each began; times that were skipped do not count."""
    return [at - int(at + 1e-3) for at in begun]


def cpu_seconds(pid: int) -> float:
    """Time on a processor of a process with all its threads and children."""
    total = 0.0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0]) / 1e9
        for child in (task / "children").read_text().split():
            total += cpu_seconds(int(child))
    return total


def idle(root: Path, seconds: float, *, watch: bool) -> float:
    """CPU time of the idle daemon, in milliseconds a second."""
    config = newsroom(root, 100, "1d", watch=watch)
    with (root / "log").open("w") as log:
        daemon = subprocess.Popen(
            [sys.executable, "-m", "feedpub", "daemon", "--config", str(config)], stdout=log, stderr=log
        )
    try:
        while "refresh finished" not in (root / "log").read_text():
            if daemon.poll() is not None:
                sys.exit((root / "log").read_text())
            time.sleep(0.2)
        time.sleep(3)
        before = cpu_seconds(daemon.pid)
        time.sleep(seconds)
        return (cpu_seconds(daemon.pid) - before) / seconds * 1000
    finally:
        daemon.terminate()
        daemon.wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=float, default=600, help="how long to tick")
    parser.add_argument("--idle", type=float, default=120, help="how long to be idle, each time")
    parser.add_argument("--articles", type=int, default=100)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        config = newsroom(root / "ticks", chosen.articles, "1s")
        print("| ticks of 1 s | refreshes | each | late (mean) | late (worst) | drift |")
        print("|---|---:|---:|---:|---:|---:|")
        for name, script, share in (("feedpub", _TICKS, 1.0), ("schedule alone", _SCHEDULE, 0.2)):
            begun, took = ticks(script, config, chosen.seconds * share)
            if name == "feedpub":
                lateness = late(begun)
            else:  # it has no grid: the n-th run should be at n seconds
                lateness = [at - number for number, at in enumerate(begun)]
            drift = statistics.mean(lateness[-10:]) - statistics.mean(lateness[:10])
            print(
                f"| {name} | {len(begun)} | {statistics.mean(took) * 1000:.0f} ms "
                f"| {statistics.mean(lateness) * 1000:.1f} ms | {max(lateness) * 1000:.1f} ms | {drift * 1000:.1f} ms |",
                flush=True,
            )
        print("\n| idle daemon | CPU a second |\n|---|---:|")
        for name, watch in (("source read once a day", False), ("the same, watched", True)):
            cost = idle(root / f"idle-{watch}", chosen.idle, watch=watch)
            print(f"| {name} | {cost:.3f} ms |", flush=True)


if __name__ == "__main__":
    main()
