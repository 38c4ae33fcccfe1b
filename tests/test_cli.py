"""The command line: what each command prints and where, its exit code, and that help costs nothing."""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import re
import subprocess
import sys
import types
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from feedpub import __version__, cli, daemonstate
from feedpub.cli.terminal import Progress, Terminal, clean, plain
from feedpub.config import Config
from feedpub.daemon.lock import OnlyOne
from feedpub.daemonstate import DaemonState
from feedpub.errors import FeedpubError, LockedError
from feedpub.models import Origin, Problem, Record
from feedpub.reports import Held, Report, SourceReport

# A subprocess that starts in another folder finds the package that is being tested.
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2])}
COMMANDS = ("init", "publish", "check", "explain", "quarantine", "status", "next", "daemon", "serve", "up")
T0 = datetime(2025, 9, 2, 10, 0, 0, tzinfo=UTC)
T1 = datetime(2025, 9, 2, 10, 0, 2, tzinfo=UTC)
BROKEN = Problem(
    "front-matter",
    "The front matter is not YAML.",
    "Close the quotation mark.",
    place="bad.md",
    line=3,
    column=8,
)
HELD = Held("articles", "bad.md", (BROKEN,), T0, published_id="urn:x:1", headline="Budget")
RECORD = Record(
    "urn:x:1",
    "NewsArticle",
    {
        "@type": "NewsArticle",
        "@id": "urn:x:1",
        "headline": "Council agrees",
        "datePublished": "2025-09-02",
        "articleSection": "World",
        "author": [{"@type": "Person", "@id": "urn:x:2", "name": "Ada Byrne", "jobTitle": "Editor"}],
        "articleBody": "Council agrees on the budget.",
    },
    {
        "/headline": Origin("rule", "headline-from-lead/1", "Council agrees", 17, 31, "document"),
        "/datePublished": Origin("text", "date-prefix", "date 2025-09-02", 0, 15, "document"),
        "/articleSection": Origin("configuration", "defaults.section"),
        "/author/0/name": Origin("metadata", "By"),
    },
)


def report(**changes: Any) -> Report:
    values: dict[str, Any] = {
        "started_at": T0, "finished_at": T1, "sources": (SourceReport("articles", new=3),),
        "written": ("feed.xml", "index.html"), "articles": 3, "events": 1, "output": "feeds",
    }  # fmt: skip
    return Report(**{**values, **changes})


class Steps:
    """Stands in for the modules below the command line, and notes how they were called."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any]] = []
        self.result: Any = report()
        self.held: list[Held] = []
        self.checked: list[Any] = []
        self.advice: list[Any] = []
        self.explanation: Any = None
        self.config: Config | None = None

    def publish(self, config: Config, **options: Any) -> Report:
        self.config = config
        self.calls.append(("publish", {key: options[key] for key in ("yes", "rebuild", "only")}))
        options["progress"](3)
        if isinstance(self.result, BaseException):
            raise self.result
        assert isinstance(self.result, Report)
        return self.result

    def summary(self, result: Report) -> dict[str, Any]:
        return {
            "articles": result.articles,
            "notices": list(result.notices),
            "started_at": "2025-09-02T10:00:00Z",
        }

    def check(self, config: Config, paths: Any) -> Any:
        self.config = config
        self.calls.append(("check", list(paths)))
        return iter(self.checked)

    def advice_on(self, config: Config, written: Any) -> Any:
        self.calls.append(("advice_on", tuple(written)))
        return iter(self.advice)

    def explain(self, config: Config, article: str) -> Any:
        self.config = config
        self.calls.append(("explain", article))
        return self.explanation

    @contextlib.contextmanager
    def open_store(self, config: Config) -> Any:
        self.config = config
        yield types.SimpleNamespace(held=lambda: self.held, retry=self.retry, status=self.status)

    def retry(self, place: str | None = None) -> int:
        self.calls.append(("retry", place))
        return len([held for held in self.held if place in (None, held.place)])

    def status(self) -> Any:
        return types.SimpleNamespace(
            articles=3, events=1, withdrawn=2, held=1, output=str(Path.cwd() / "feeds"), files=12,
            last_run={"finished_at": "2025-09-02T10:00:02Z"},
            sources=[{"name": "articles", "documents": 3, "last_success_at": "2025-09-02T10:00:00Z",
                      "last_failure_at": None, "failure": None},
                     {"name": "wire", "documents": 0, "last_success_at": None,
                      "last_failure_at": "2025-09-02T09:00:00Z", "failure": "not mounted"}],
            feeds=[{"path": "", "format": "rss", "entries": 3, "updated_at": "2025-09-02T10:00:00Z"}],
        )  # fmt: skip

    def serve(self, config: Config, **options: Any) -> int:
        options.pop("started")("http://127.0.0.1:8080/")
        self.calls.append(("serve", options))
        return 0

    def daemon(self, config: Config, **options: Any) -> int:
        options.pop("started")()
        said = [name for name, value in options.items() if value]
        self.calls.append(("daemon", [source.name for source in config.sources], *said))
        return 0


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    import feedpub

    steps = Steps()
    fakes = {
        "pipeline": {"publish": steps.publish, "summary": steps.summary},
        "checking": {"check": steps.check, "explain": steps.explain, "advice_on": steps.advice_on},
        "store": {"open_store": steps.open_store},
        "serving": {"run": steps.serve},
        "daemon": {"run": steps.daemon},
    }
    for name, members in fakes.items():
        module = types.ModuleType(f"feedpub.{name}")
        vars(module).update(members)
        monkeypatch.setitem(sys.modules, f"feedpub.{name}", module)
        monkeypatch.setattr(feedpub, name, module, raising=False)
    return steps


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a newsroom in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NO_COLOR", raising=False)
    text = '[site]\ntitle = "Post"\nurl = "https://x.org/"\nlanguage = "en"\n'
    text += '[sources.articles]\npath = "articles"\n[sources.wire]\npath = "wire"\n'
    (tmp_path / "feedpub.toml").write_text(text)
    (tmp_path / "articles").mkdir()
    return tmp_path


@pytest.fixture
def published(room: Path) -> Path:
    """The same, with something published."""
    (room / ".feedpub").mkdir()
    (room / ".feedpub" / "ledger.ndjson").touch()
    return room


def run(*arguments: str) -> tuple[int, str, str]:
    stdout, stderr = io.StringIO(), io.StringIO()
    return cli.run(arguments, stdout, stderr), stdout.getvalue(), stderr.getvalue()


# -- help and usage


def test_help_lists_every_command_and_the_exit_codes():
    code, out, err = run("--help")
    assert (code, err) == (0, "")
    for command in COMMANDS:
        assert re.search(rf"^    {command}\b", out, re.MULTILINE)
    assert "example:\n  feedpub publish articles" in out
    assert "exit codes:\n  0  done" in out


@pytest.mark.parametrize("command", COMMANDS)
def test_each_help_has_one_sentence_and_an_example_that_the_parser_accepts(command):
    code, out, err = run(command, "--help")
    assert (code, err) == (0, "")
    assert "--json" in out
    assert "--config FILE" in out
    assert "exit codes:" in out
    example = out.split("example:\n")[1].split("\n\n")[0]
    lines = [line.split() for line in example.splitlines()]
    assert any(line[:2] == ["feedpub", command] for line in lines)
    for line in lines:
        if line[0] == "feedpub":
            assert callable(cli.build_parser().parse_args(line[1:]).handler)


@pytest.mark.parametrize("command", [(), *((name,) for name in COMMANDS)], ids=" ".join)
def test_only_the_help_of_publish_names_its_strict(command):
    assert ("--strict" in run(*command, "--help")[1]) == (command == ("publish",))


def test_every_option_is_explained():
    def actions(parser: argparse.ArgumentParser) -> Any:
        for action in parser._actions:
            if isinstance(action, argparse._SubParsersAction):
                for inner in action.choices.values():
                    yield from actions(inner)
            else:
                yield action

    found = list(actions(cli.build_parser()))
    assert len(found) > 40
    assert [action.dest for action in found if not action.help] == []


def test_the_version_is_printed():
    assert run("--version") == (0, f"feedpub {__version__}\n", "")


def test_no_command_prints_the_help_as_a_usage_error():
    code, out, err = run()
    assert (code, out) == (2, "")
    assert "COMMAND" in err


@pytest.mark.parametrize(
    "arguments",
    [["publsh"], ["publish", "--ouput", "x"], ["check"], ["explain"], ["serve", "--port", "99999"]],
)
def test_wrong_usage_is_2_and_told_on_stderr(arguments):
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "usage:" in err
    assert "Traceback" not in err


HEAVY = {
    "jsonschema", "jsonschema_rs", "extruct", "trafilatura", "sqlalchemy", "feedgen", "jinja2", "lxml",
    "starlette", "uvicorn", "py3langid", "numpy", "yaml", "orjson", "tqdm", "nh3", "comrak", "schedule",
    "charset_normalizer", "asyncio", "importlib.metadata", "logging", "tomllib", "dataclasses", "json",
}  # fmt: skip


@pytest.mark.parametrize("arguments", [["--help"], ["publish", "--help"], ["--version"]])
def test_help_imports_nothing_heavy(arguments):
    program = (
        "import sys, feedpub.cli, io; code = feedpub.cli.run(sys.argv[2:], io.StringIO(), sys.stderr); "
        "print(code, sorted(set(sys.argv[1].split(',')) & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", program, ",".join(HEAVY), *arguments],
        capture_output=True, text=True, check=True, env=ENVIRONMENT,
    )  # fmt: skip
    assert done.stdout.strip() == "0 []"


def test_the_module_runs_as_a_program():
    done = subprocess.run(
        [sys.executable, "-m", "feedpub", "--version"],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, f"feedpub {__version__}\n")


# -- publish


def test_publish_reports_to_people_on_stdout(steps, room):
    code, out, err = run("publish")
    assert (code, err) == (0, "")
    assert "Read 3 documents from 1 source in 2.0 s" in out
    assert "articles  3 new" in out
    assert "Published in feeds: 3 articles and 1 event (2 files written)" in out
    assert "open feeds/index.html in a browser" in out
    assert "http://localhost:8080/" in out
    assert "Held back" not in out
    assert steps.calls == [("publish", {"yes": False, "rebuild": False, "only": None})]


def test_publish_lists_the_feeds(steps, room):
    with (room / "feedpub.toml").open("a") as file:
        file.write('[feeds."topics/sea"]\nformats = ["rss"]\n[publish]\nfeeds_by = ["section"]\n')
    out = run("publish")[1]
    everything = "feed.xml  feed.atom  feed.json  feed.jsonld  events.ics  events.jsonld"
    assert f"  {everything}\n  topics/sea/feed.xml\n  sections/…/" in out


def test_publish_tells_more_when_asked_of_what_consumers_would_miss(steps, room):
    steps.advice = [("a.md", (NO_PICTURE,))]
    *_, told, _, places = run("publish", "-v")[1].splitlines()
    assert told.strip() == "1 document: Google shows it without a picture. [google-article:image-is-given]"
    assert places.strip() == "in a.md"
    assert ("advice_on", ("feed.xml", "index.html")) in steps.calls
    assert "google-article" not in run("publish")[1]


def test_publish_tells_when_nothing_changed(steps, room):
    steps.result = report(sources=(SourceReport("articles", unmodified=3),), written=())
    out = run("publish")[1]
    assert "3 unchanged" in out
    assert "nothing changed, no file written" in out


def test_publish_passes_its_options_on(steps, room):
    run("publish", "--yes", "--rebuild", "--output", "public", "articles")
    assert steps.calls == [("publish", {"yes": True, "rebuild": True, "only": ("articles",)})]
    assert steps.config.publish.output == room / "public"


def test_publish_of_a_bare_folder_works_and_says_what_is_assumed(steps, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "texts").mkdir()
    code, out, _ = run("publish", "texts")
    assert code == 0
    assert "Note: There is no feedpub.toml here" in out
    assert steps.config.sources[0].path == tmp_path / "texts"
    run("publish")
    assert steps.config.sources[0].path == tmp_path / "texts"


def test_the_newsroom_itself_as_folder_means_all_sources(steps, room):
    for arguments in (["publish", "."], ["publish", "--config", "feedpub.toml", "."]):
        steps.calls.clear()
        assert run(*arguments)[0] == 0
        assert steps.calls[0][1]["only"] is None


def test_held_documents_are_told_with_reason_and_remedy_and_the_rest_is_counted(steps, room):
    steps.result = report(held=(HELD,) * 12)
    code, out, _ = run("publish")
    assert code == 0
    assert "Held back: 12 documents" in out
    assert "articles: bad.md “Budget”" in out
    assert "line 3: The front matter is not YAML." in out
    assert "→ Close the quotation mark." in out
    assert "last good version stays published" in out
    assert out.count("bad.md") == 10
    assert "… and 2 more: feedpub quarantine" in out


def test_strict_makes_held_documents_an_exit_code(steps, room):
    assert run("publish", "--strict")[0] == 0
    steps.result = report(held=(HELD,))
    assert run("publish")[0] == 0
    assert run("publish", "--strict")[0] == 1


def test_what_a_source_noticed_is_told_below_it(steps, room):
    steps.result = report(
        sources=(
            SourceReport("articles", new=3, notices=("A link\x1b[2J leads out; it was left out.",)),
            SourceReport(
                "wire", new=1, notices=tuple(f"Name {number} is not UTF-8." for number in range(12))
            ),
        )
    )
    code, out, _ = run("publish", "--strict")
    assert code == 0
    lines = out.splitlines()
    assert (
        lines[lines.index("  articles  3 new") + 1] == "    Note: A link\\x1b[2J leads out; it was left out."
    )
    assert "    Note: Name 9 is not UTF-8." in lines
    assert "    Note: Name 10 is not UTF-8." not in lines
    assert "    … and 2 more: feedpub publish -v" in lines
    assert "    Note: Name 11 is not UTF-8." in run("publish", "-v")[1]


def test_a_part_that_cannot_be_read_is_told_and_with_strict_1(steps, room):
    closed = "The folder closed/ could not be read (Permission denied); what is in it stays as it was."
    steps.result = report(sources=(SourceReport("articles", new=3, complete=False, notices=(closed,)),))
    code, out, _ = run("publish")
    assert code == 0
    assert f"    Note: {closed}" in out
    assert run("publish", "--strict")[0] == 1
    for option in ("--quiet", "--json"):
        assert f"feedpub: articles: {closed}" in run("publish", option)[2]


def test_a_failed_source_is_1_and_told(steps, room):
    steps.result = report(sources=(SourceReport("wire", failure="/mnt/wire is not mounted."),))
    code, out, _ = run("publish")
    assert code == 1
    assert "wire  failed: /mnt/wire is not mounted." in out
    code, out, err = run("publish", "--quiet")
    assert (code, out) == (1, "")
    assert "wire: /mnt/wire is not mounted." in err


def test_a_failed_output_is_1(steps, room):
    steps.result = report(failures=("feeds: the disk is full",))
    code, out, _ = run("publish")
    assert code == 1
    assert "the disk is full" in out


def test_publish_as_json_has_stable_keys_and_nothing_else_on_stdout(steps, room):
    steps.result = report(held=(HELD,))
    code, out, err = run("publish", "--json")
    value = json.loads(out)
    assert (code, err) == (0, "")
    assert value["articles"] == 3
    assert value["failed"] is False
    [held] = value["quarantine"]
    assert (held["place"], held["since"], held["published_id"]) == (
        "bad.md",
        "2025-09-02T10:00:00Z",
        "urn:x:1",
    )
    assert held["problems"][0]["rule"] == "front-matter"
    assert held["problems"][0]["line"] == 3


def test_notices_are_told_once(steps, room):
    (room / "feedpub.toml").write_text('[sources.articles]\npath = "articles"\n')
    from feedpub.config import load

    steps.result = report(notices=(*load(room / "feedpub.toml").notices, "A crash was tidied up."))
    out = run("publish")[1]
    assert out.count("No site.url") == 1
    assert "Note: A crash was tidied up." in out


def test_publish_beside_a_daemon_says_that_one_is_at_work(steps, room):
    (room / ".feedpub").mkdir()
    assert "or run `feedpub serve` and open http://localhost:8080/" in run("publish")[1]
    with OnlyOne(room / ".feedpub", room / "feeds"):
        out = run("publish")[1]
    assert f"A daemon is at work (process {os.getpid()} on " in out
    assert "feedpub serve" not in out


def test_status_tells_what_is_wrong_with_the_daemon_that_runs(room):
    state = room / ".feedpub"
    state.mkdir()
    at = datetime(2025, 9, 3, tzinfo=UTC)
    told = DaemonState(os.getpid(), "host", at, at, notice="line 3: wrong", unwatched={"wire": "not there"})
    daemonstate.write(state, told)
    assert run("status")[2] == ""
    assert json.loads(run("status", "--json")[1])["notices"] == []
    with OnlyOne(state, room / "feeds"):
        for command in ("status", "next"):
            assert run(command)[2] == "feedpub: line 3: wrong\nfeedpub: not there\n"
            notices = json.loads(run(command, "--json")[1])["notices"]
            assert notices == ["line 3: wrong", "not there"]


# -- errors


def test_a_configuration_error_is_2_in_one_line_without_traceback(room):
    (room / "feedpub.toml").write_text('[site]\ntitel = "x"\n')
    code, out, err = run("publish")
    assert (code, out) == (2, "")
    assert err.startswith("feedpub: ")
    assert err.count("\n") == 1
    assert "line 2: site.titel: there is no such key; did you mean site.title?" in err


def test_an_error_is_json_too_where_json_was_asked_for(room):
    (room / "feedpub.toml").write_text('[site]\ntitel = "x"\n')
    code, out, err = run("status", "--json")
    error = json.loads(out)["error"]
    assert code == 2
    assert (error["type"], error["key"]) == ("ConfigError", "site.titel")
    assert "did you mean site.title?" in error["message"]
    assert err.startswith("feedpub: ")


def test_other_errors_of_ours_are_1(steps, room):
    steps.result = LockedError("Another publisher is at work on feeds: process 7.", path="feeds")
    code, out, err = run("publish")
    assert (code, out, err) == (1, "", "feedpub: Another publisher is at work on feeds: process 7.\n")


def test_an_error_message_cannot_drive_the_terminal(steps, room):
    steps.result = FeedpubError("bad \x1b]0;pwned\x07 name")
    assert run("publish")[2] == "feedpub: bad \\x1b]0;pwned\\x07 name\n"


def test_an_unexpected_exception_stays_loud(steps, room):
    steps.result = ZeroDivisionError("a defect")
    with pytest.raises(ZeroDivisionError):
        run("publish")


def test_an_interruption_is_130_with_a_short_message(steps, room):
    steps.result = KeyboardInterrupt()
    code, out, err = run("publish")
    assert (code, out) == (130, "")
    assert err.startswith("feedpub: interrupted")
    assert err.count("\n") == 1


class Closed(io.StringIO):
    def write(self, text: str) -> int:
        raise BrokenPipeError


def test_a_reader_that_goes_away_is_no_crash(steps, room):
    stderr = io.StringIO()
    assert cli.run(["publish"], Closed(), stderr) == 141
    assert stderr.getvalue() == ""


def test_a_closed_pipe_leaves_no_traceback_behind(room):
    read, written = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "feedpub", "status"],
        stdout=written,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(written)
    assert done.stderr == ""
    assert done.returncode == 141


# -- check


def checked(state: str, *problems: Problem, advice: tuple[Problem, ...] = (), place: str = "") -> Any:
    return types.SimpleNamespace(
        place=place or f"{state}.md", source="articles", records=(RECORD,), problems=problems, state=state,
        advice=advice,
    )  # fmt: skip


def test_check_names_what_is_wrong_and_fails(steps, room):
    steps.checked = [checked("ok"), checked("draft"), checked("held", BROKEN)]
    code, out, err = run("check", "articles")
    assert code == 1
    assert (
        out
        == "bad.md:3:8: error: The front matter is not YAML. [front-matter]\n  → Close the quotation mark.\n"
    )
    assert err == "3 documents: 1 valid, 1 draft, 1 held back\n"
    assert steps.calls == [("check", [Path("articles")])]


def test_check_with_advice_only_is_fine(steps, room):
    advice = Problem("google-article:image", "There is no image.", severity="advice", place="ok.md")
    steps.checked = [checked("ok", advice)]
    code, out, _ = run("check", "articles")
    assert (code, out) == (0, "ok.md: advice: There is no image. [google-article:image]\n")


NO_PICTURE = Problem(
    "google-article:image-is-given",
    "Google shows it without a picture. https://google.example/article",
    "Add image if it is known.",
    severity="advice",
    pointer="/image",
)


def test_check_tells_once_what_consumers_would_miss_after_all_else(steps, room):
    steps.checked = [checked("ok", advice=(NO_PICTURE,), place=f"{name}.md") for name in "abcd"]
    code, out, _ = run("check", "articles")
    assert code == 0
    assert len(out.splitlines()) == 2
    told = "4 documents: Google shows it without a picture. [google-article:image-is-given]"
    assert out.splitlines()[1].strip() == told
    *_, told, remedy, places = run("check", "-v", "articles")[1].splitlines()
    assert remedy.strip() == "→ Add image if it is known. https://google.example/article"
    assert places.strip() == "in a.md, b.md, c.md, d.md"
    value = json.loads(run("check", "--json", "articles")[1])
    assert value["documents"][3]["advice"][0]["rule"] == "google-article:image-is-given"


def test_check_names_valid_documents_when_asked(steps, room):
    steps.checked = [checked("ok")]
    assert run("check", "-v", "articles")[1] == "ok.md: valid\n"


def test_check_as_json(steps, room):
    steps.checked = [checked("ok"), checked("held", BROKEN)]
    code, out, err = run("check", "--json", "articles")
    value = json.loads(out)
    assert (code, err) == (1, "")
    assert value["counts"] == {"ok": 1, "draft": 0, "waiting": 0, "expired": 0, "held": 1}
    assert value["documents"][0]["records"] == [{"id": "urn:x:1", "type": "NewsArticle"}]
    assert value["documents"][1]["problems"][0]["remedy"] == "Close the quotation mark."


def test_check_needs_no_newsroom(steps, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.txt").write_text("x")
    steps.checked = [checked("ok")]
    assert run("check", "a.txt")[0] == 0
    assert steps.config.sources == ()
    assert os.listdir(tmp_path) == ["a.txt"]


def test_check_takes_the_newsroom_above_the_file(steps, room, monkeypatch):
    monkeypatch.chdir(room / "articles")
    run("check", "a.txt")
    assert steps.config.path == room / "feedpub.toml"


# -- explain


def explanation(**changes: Any) -> Any:
    values: dict[str, Any] = {
        "place": "a.txt", "source": "articles", "problems": (), "records": (RECORD,),
        "document_text": "date 2025-09-02\n\nCouncil agrees on the budget.\n",
        "published": {"url": "https://x.org/a.html", "withdrawn_at": None},
        "state": "published", "reason": None,
    }  # fmt: skip
    return types.SimpleNamespace(**{**values, **changes})


def test_explain_shows_each_fact_with_where_it_comes_from(steps, room):
    steps.explanation = explanation()
    code, out, err = run("explain", "articles/a.txt")
    assert (code, err) == (0, "")
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "NewsArticle urn:x:1" in lines
    assert "headline “Council agrees” ← rule headline-from-lead/1, from the text at line 3" in lines
    assert "datePublished “2025-09-02” ← the text at line 1 (date-prefix): “date 2025-09-02”" in lines
    assert "articleSection “World” ← feedpub.toml defaults.section" in lines
    assert "author[0].name “Ada Byrne” ← metadata By" in lines
    assert "author[0].jobTitle “Editor”" in lines
    assert "articleBody “Council agrees on the budget.”" in lines
    assert "url https://x.org/a.html" in lines
    assert not any("withdrawn_at" in line for line in lines)


def test_explain_of_a_refused_article_is_1_and_names_the_problem(steps, room):
    steps.explanation = explanation(records=(), problems=(BROKEN,), published=None)
    code, out, _ = run("explain", "bad.md")
    assert code == 1
    assert "bad.md:3:8: error: The front matter is not YAML." in out
    assert "Not published." in out


@pytest.mark.parametrize(
    ("published", "told"),
    [(None, "Not published: it is marked as a draft (draft)."),
     ({"id": "urn:x:1", "withdrawn_at": "2025-09-02T10:00:00Z"},
      "Not published any more: it is marked as a draft (draft)."),
     ({"id": "urn:x:1", "withdrawn_at": None}, "Published, but it is marked as a draft (draft).")],
    ids=["never", "withdrawn", "until the next refresh"],
)  # fmt: skip
def test_explain_says_why_an_article_is_not_published(steps, room, published, told):
    steps.explanation = explanation(
        published=published, state="draft", reason="it is marked as a draft (draft)"
    )
    assert told in run("explain", "a.txt")[1].splitlines()
    value = json.loads(run("explain", "--json", "a.txt")[1])
    assert (value["state"], value["reason"]) == ("draft", "it is marked as a draft (draft)")


def test_explain_cannot_drive_the_terminal(steps, room):
    hostile = Record(
        "urn:x:1", "NewsArticle", {"@id": "urn:x:1", "headline": "a\x1b[2Jb\u202ec", "x\x1by": "z"}
    )
    steps.explanation = explanation(records=(hostile,))
    out = run("explain", "a.txt")[1]
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_explain_as_json_has_the_origins_by_pointer(steps, room):
    steps.explanation = explanation()
    value = json.loads(run("explain", "--json", "a.txt")[1])
    assert set(value) == {"place", "source", "state", "reason", "published", "problems", "records"}
    assert value["records"][0]["data"]["headline"] == "Council agrees"
    assert value["records"][0]["origins"]["/headline"]["start"] == 17


# -- quarantine


def test_quarantine_lists_what_is_held(steps, published):
    steps.held = [HELD]
    code, out, err = run("quarantine")
    assert (code, err) == (0, "")
    assert "articles: bad.md “Budget”" in out
    assert "→ Close the quotation mark." in out


def test_quarantine_shows_a_few_problems_in_the_list_and_all_of_one_document(steps, published):
    problems = tuple(Problem("r", f"Problem {number}.") for number in range(5))
    steps.held = [Held("articles", "bad.md", problems, T0)]
    listed = run("quarantine", "list")[1]
    assert "Problem 2." in listed
    assert "Problem 3." not in listed
    assert "… and 2 more: feedpub quarantine show bad.md" in listed
    for place in ("bad.md", "articles:bad.md", "articles/bad.md"):
        code, shown, _ = run("quarantine", "show", place)
        assert code == 0
        assert "Problem 4." in shown
        assert "held back since 2025-09-02T10:00:00Z" in shown


def test_quarantine_show_of_something_else_is_2_with_the_nearest(steps, published):
    steps.held = [HELD]
    code, _, err = run("quarantine", "show", "bed.md")
    assert code == 2
    assert "Did you mean bad.md?" in err
    assert run("quarantine", "show")[0] == 2
    assert run("quarantine", "list", "bad.md")[0] == 2


def test_quarantine_retry(steps, published):
    steps.held = [HELD, Held("wire", "w.json", (BROKEN,), T0)]
    assert "2 documents will be read again" in run("quarantine", "retry")[1]
    assert "1 document will be read again" in run("quarantine", "retry", "bad.md")[1]
    assert json.loads(run("quarantine", "retry", "--json", "w.json")[1]) == {"retried": 1}
    assert steps.calls == [("retry", None), ("retry", "bad.md"), ("retry", "w.json")]
    assert run("quarantine", "retry", "zzz")[0] == 2


def test_quarantine_as_json(steps, published):
    steps.held = [HELD]
    [held] = json.loads(run("quarantine", "--json")[1])["held"]
    assert set(held) == {"source", "place", "problems", "since", "published_id", "headline"}


def test_looking_leaves_nothing_behind_where_nothing_was_published(room):
    assert run("quarantine")[1] == "Nothing is held back.\n"
    assert json.loads(run("quarantine", "--json")[1]) == {"held": []}
    assert "run `feedpub publish`" in run("status")[1]
    assert json.loads(run("status", "--json")[1])["articles"] == 0
    assert not (room / ".feedpub").exists()


# -- status, daemon, serve, init


def test_status_tells_what_is_published_when_and_from_where(steps, published):
    code, out, err = run("status")
    assert (code, err) == (0, "")
    assert "Published in feeds: 3 articles and 1 event" in out
    assert "12 files, under https://x.org/" in out
    assert "Last refresh: 2025-09-02T10:00:02Z" in out
    assert "articles  3 documents  read 2025-09-02T10:00:00Z" in out
    assert "failed at 2025-09-02T09:00:00Z: not mounted" in out
    assert "(main feed)  rss  3 entries  2025-09-02T10:00:00Z" in out
    assert "1 document held back: feedpub quarantine" in out


def test_serve_passes_host_and_port_on(steps, room):
    code, out, err = run("serve", "--host", "::1", "--port", "0")
    assert (code, out) == (0, "")
    assert "at http://127.0.0.1:8080/ Stop with Ctrl-C." in err  # what is listened on, whatever was asked for
    run("serve")
    assert steps.calls == [("serve", {"host": "::1", "port": 0}), ("serve", {"host": None, "port": None})]


def test_serve_as_json_prints_where(steps, room):
    value = json.loads(run("serve", "--json")[1])
    assert value == {"output": str(room / "feeds"), "address": "http://127.0.0.1:8080/"}


def test_daemon_runs_all_sources(steps, room):
    code, _, err = run("daemon")
    assert code == 0
    assert "articles 5m, wire 5m. Stop with Ctrl-C." in err
    assert steps.calls == [("daemon", ["articles", "wire"])]


def test_daemon_once_says_so_to_the_timer(steps, room):
    code, _, err = run("daemon", "--once")
    assert code == 0
    assert "Ctrl-C" not in err
    assert steps.calls == [("daemon", ["articles", "wire"], "once")]


def test_daemon_dry_run_says_what_would_run_when_and_runs_nothing(room):
    (room / "feedpub.toml").write_text(
        '[site]\ntimezone = "Europe/Berlin"\n[sources.articles]\npath = "articles"\nevery = "daily at 06:30"\nwatch = true\n'
        '[sources.wire]\npath = "wire"\n[feeds.digest]\nevery = "weekly on monday at 07:00"\n'
    )
    code, out, _ = run("daemon", "--dry-run")
    assert code == 0
    daily, wire, digest = out.splitlines()
    assert re.fullmatch(
        r"articles \(daily at 06:30\): at once(, \d{4}-\d\d-\d\d 06:30:00 CES?T){3}, and when a file is saved",
        daily,
    )
    assert wire.startswith("wire (5m): at once, ")
    assert digest == "feed digest (weekly on monday at 07:00): renewed by its own timer"
    value = json.loads(run("daemon", "--dry-run", "--json")[1])
    assert [source["name"] for source in value["sources"]] == ["articles", "wire"]
    assert len(value["sources"][1]["next"]) == 4
    assert not (room / ".feedpub").exists()


def test_next_says_what_is_due_though_no_daemon_runs(room):
    with (room / "feedpub.toml").open("a") as file:
        file.write('every = "1h"\n[feeds.digest]\nevery = "daily at 06:30"\n')
    code, out, err = run("next")
    assert (code, len(out.splitlines())) == (0, 3)
    assert "now  source articles  5m" in out
    assert "No daemon runs" in err
    assert not (room / ".feedpub").exists()
    (room / "articles" / "a.txt").write_text(
        "Date: 2025-09-02\n\nThe bridge opened on Tuesday after four years.\n"
    )
    run("publish")
    value = json.loads(run("next", "--json")[1])
    assert value["daemon"] is None
    found = {(one["kind"], one["name"]): one for one in value["planned"]}
    # A source that could not be read has had no success yet, so it is due now.
    assert found["source", "wire"]["at"] is None
    assert "wire" in found["source", "wire"]["failure"]
    assert found["source", "articles"]["at"] is not None
    assert found["feed", "digest"]["at"].endswith("T06:30:00Z")


def test_next_believes_the_daemon_that_runs(room):
    from datetime import UTC, datetime

    from feedpub import daemonstate
    from feedpub.daemon.lock import OnlyOne

    at = datetime(2030, 1, 2, 6, 30, tzinfo=UTC)
    jobs = (
        daemonstate.JobState("wire", "1h", running_since=at),
        daemonstate.JobState("articles", "5m", next_at=at, failures=2, failure="not mounted"),
    )
    state = daemonstate.DaemonState(
        7, "host", at, at, jobs, due_at=datetime(2030, 1, 1, tzinfo=UTC), notice="Mind the gap."
    )
    with OnlyOne(room / ".feedpub", room / "feeds"):
        daemonstate.write(room / ".feedpub", state)
        code, out, err = run("next")
        assert (code, err) == (0, "feedpub: Mind the gap.\n")
        first, second, third = out.splitlines()
        assert first.split("  ", 1)[0] == "now"
        assert first.endswith("source wire                 1h, under way")
        assert second == "2030-01-01 00:00:00 UTC  what changes by time alone"
        assert third.endswith("source articles             5m, failed: not mounted")
    assert "No daemon runs" in run("next")[2]


def test_init_then_a_second_time(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("init", "post")
    assert (code, err) == (0, "")
    assert "Wrote post/feedpub.toml" in out
    assert "put articles into post/articles" in out
    code, out, err = run("init", "post")
    assert (code, out) == (2, "")
    assert "exists already" in err


def test_init_as_json(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    value = json.loads(run("init", "--json")[1])
    assert value["config"] == str(tmp_path / "feedpub.toml")
    assert value["key_kept"] is False


# -- the terminal


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_colour_only_on_a_terminal_that_wants_it(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    assert Terminal(io.StringIO(), io.StringIO()).paint("red", "x") == "x"
    assert Terminal(Screen(), io.StringIO()).paint("red", "x") == "\x1b[31mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert Terminal(Screen(), io.StringIO()).paint("red", "x") == "x"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert Terminal(Screen(), io.StringIO()).paint("red", "x") == "x"


@pytest.mark.parametrize(
    ("screen", "seconds", "shown"), [(True, 2.0, True), (True, 0.1, False), (False, 2.0, False)]
)
def test_a_progress_bar_only_on_a_terminal_and_after_a_second(screen, seconds, shown):
    stream = Screen() if screen else io.StringIO()
    times = iter([0.0, seconds, seconds, seconds])
    with Progress(stream, "document", shown=stream.isatty(), clock=lambda: next(times)) as progress:
        progress(5)
        progress(2)
    assert progress.done == 7
    assert bool(stream.getvalue()) == shown


def test_json_is_ascii_where_the_stream_cannot_carry_more():
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    Terminal(stdout, io.StringIO()).json({"headline": "Café"})
    stdout.seek(0)
    assert json.loads(stdout.read()) == {"headline": "Café"}


def test_values_become_plain_json():
    value = plain({"path": Path("a/b"), "at": T0, "problem": BROKEN, "list": (1, None)})
    assert value["path"] == "a/b"
    assert value["at"] == "2025-09-02T10:00:00Z"
    assert value["problem"]["rule"] == "front-matter"
    assert value["list"] == [1, None]


def test_cleaning_keeps_letters_and_takes_out_controls():
    assert clean("Čeština 中文 a\nb") == "Čeština 中文 a b"
    assert clean("a\nb\x00", keep_lines=True) == "a\nb\\x00"
    assert clean("\u2066x\u2069") == "\\u2066x\\u2069"
