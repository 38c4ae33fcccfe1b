"""Lines of the log, for people and as JSON."""

from __future__ import annotations

import io
import json
import logging
import os
import pickle
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given

from feedpub import cli, logs
from feedpub.daemon.lock import OnlyOne
from feedpub.errors import ConfigError
from tests.articles import markdown
from tests.judges.samples import TEXT


@pytest.fixture(autouse=True)
def loggers_as_before() -> Iterator[None]:
    found = [
        (logging.getLogger(name), *vars(logging.getLogger(name)).items()) for name in ("feedpub", "uvicorn")
    ]
    yield
    for logger, *attributes in found:
        vars(logger).update(attributes)
        logger.manager._clear_cache()


def lines(log_format: logs.Format, *events: tuple[object, ...]) -> list[str]:
    stream = io.StringIO()
    logs.show(stream, "INFO", log_format)
    log = logging.getLogger("feedpub.daemon")
    for event in events:
        log.info(*event)  # type: ignore[arg-type]
    return stream.getvalue().splitlines()


def test_people_read_the_time_in_utc_the_level_and_the_event_with_its_fields() -> None:
    (line,) = lines("people", ("refresh finished  %s", logs.fields(sources=["a", "b"], error="not mounted")))
    assert re.fullmatch(
        r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ INFO refresh finished  sources=a,b error="not mounted"', line
    )


def test_programs_read_the_same_as_one_json_object_a_line() -> None:
    (line,) = lines(
        "json",
        ("refresh finished  %s", logs.fields(sources=["a", "b"], new=2, seconds=0.5, error="line\nbreak")),
    )
    found = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("time"))
    assert found == {
        "level": "INFO",
        "logger": "feedpub.daemon",
        "event": "refresh finished",
        "fields": {"sources": ["a", "b"], "new": 2, "seconds": 0.5, "error": "line\nbreak"},
    }


def test_fields_that_stand_in_the_text_are_found_there() -> None:
    (line,) = lines(
        "json", ('manifest unreadable  path=%s error="%s" size=7', "feeds/manifest.json", "too large")
    )
    assert json.loads(line)["fields"] == {"path": "feeds/manifest.json", "error": "too large", "size": 7}


def test_an_exception_stands_in_its_line() -> None:
    stream = io.StringIO()
    logs.show(stream, "INFO", "json")
    try:
        raise ValueError("no such day")
    except ValueError:
        logging.getLogger("feedpub").exception("refresh failed")
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["exception"].endswith("ValueError: no such day")


@given(TEXT)
def test_any_text_stays_in_one_line_and_comes_back_whole(text: str) -> None:
    (line,) = lines("json", ("source failed  %s", logs.fields(error=text)))
    assert json.loads(line)["fields"] == {"error": text}


@example("one\u2028two\x85three\u202efour")
@given(TEXT)
def test_any_text_stays_in_one_line_for_people(text: str) -> None:
    assert len(lines("people", ("source failed  %s", logs.fields(error=text)))) == 1


@pytest.mark.parametrize(
    ("option", "variable", "configured", "expected"),
    [
        (None, None, "people", "people"),
        (None, None, "json", "json"),
        (None, "json", "people", "json"),
        ("people", "json", "json", "people"),
        ("people", "yaml", "json", "people"),
        (None, "", "json", "json"),
    ],
)
def test_the_option_goes_before_the_environment_and_that_before_the_configuration(
    option: str | None, variable: str | None, configured: logs.Format, expected: str
) -> None:
    environment = {} if variable is None else {"FEEDPUB_LOG_FORMAT": variable}
    assert logs.chosen(option, environment, configured) == expected


def test_an_unknown_format_in_the_environment_is_an_error() -> None:
    with pytest.raises(
        ConfigError, match=r"FEEDPUB_LOG_FORMAT: 'yaml' is no format of the log.*people or json"
    ):
        logs.chosen(None, {"FEEDPUB_LOG_FORMAT": "yaml"}, "json")


def test_as_json_every_line_is_an_object_and_numbers_are_numbers(tmp_path: Path) -> None:
    (tmp_path / "articles").mkdir()
    (tmp_path / "articles" / "a.md").write_text(markdown("Harbour opens"), "utf-8")
    # Without a language, so that there is something to note.
    (tmp_path / "feedpub.toml").write_text('[sources.articles]\npath = "articles"\n', "utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "feedpub", "daemon", "--once", "--log-format", "json"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    told = [json.loads(line) for line in done.stderr.splitlines()]
    assert "No site.language" in " ".join(
        line["fields"]["text"] for line in told if line["event"] == "message"
    )
    [finished] = [line for line in told if line["event"] == "refresh finished"]
    assert isinstance(finished["fields"]["seconds"], float)
    assert finished["fields"]["new"] == 1
    assert finished["fields"]["sources"] == ["articles"]


def as_json(folder: Path, *arguments: str, **environment: str) -> tuple[int, list[dict[str, Any]]]:
    """Exit code and log of a command whose every line on stderr is a JSON object."""
    done = subprocess.run(
        [sys.executable, "-m", "feedpub", *arguments], cwd=folder, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[2]), **environment},
    )  # fmt: skip
    return done.returncode, [json.loads(line) for line in done.stderr.splitlines()]


def test_as_json_a_command_that_cannot_begin_says_so_as_json(tmp_path: Path) -> None:
    (tmp_path / "feedpub.toml").write_text("[sources", "utf-8")
    code, (line,) = as_json(tmp_path, "serve", "--log-format", "json")
    assert (code, line["level"]) == (2, "ERROR")
    assert "feedpub.toml" in line["fields"]["text"]
    code, (line,) = as_json(tmp_path, "daemon", FEEDPUB_LOG_FORMAT="json")
    assert (code, line["level"]) == (2, "ERROR")
    # Nothing of it is said to whoever uses other commands.
    terminal = io.StringIO()
    assert cli.run(["status", "--config", str(tmp_path / "feedpub.toml")], io.StringIO(), terminal) == 2
    assert terminal.getvalue().startswith("feedpub: ")


def test_as_json_a_second_daemon_and_a_second_server_say_so_as_json(tmp_path: Path) -> None:
    (tmp_path / "articles").mkdir()
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        settings = f"""
[site]
language = "en"
[log]
format = "json"
[server]
port = {taken.getsockname()[1]}
[sources.articles]
path = "articles"
"""
        (tmp_path / "feedpub.toml").write_text(settings, "utf-8")
        code, lines_ = as_json(tmp_path, "serve")
    assert (code, lines_[-1]["level"]) == (1, "ERROR")
    (tmp_path / ".feedpub").mkdir(exist_ok=True)
    with OnlyOne(tmp_path / ".feedpub", tmp_path / "feeds"):
        code, lines_ = as_json(tmp_path, "daemon")
    assert (code, lines_[-1]["level"]) == (1, "ERROR")
    assert "serves this newsroom" in lines_[-1]["fields"]["text"]


def test_an_unknown_format_in_the_environment_ends_as_a_wrong_option_does(tmp_path: Path) -> None:
    (tmp_path / "articles").mkdir()
    (tmp_path / "feedpub.toml").write_text('[sources.articles]\npath = "articles"\n', "utf-8")
    for arguments, variable in ((["--log-format", "yaml"], "people"), ([], "yaml")):
        done = subprocess.run(
            [sys.executable, "-m", "feedpub", "daemon", "--once", *arguments],
            cwd=tmp_path, capture_output=True, text=True, check=False,
            env={**os.environ, "FEEDPUB_LOG_FORMAT": variable},
        )  # fmt: skip
        assert done.returncode == 2
        assert "yaml" in done.stderr
        assert "people" in done.stderr
        assert "json" in done.stderr
        assert not (tmp_path / "feeds").exists()


def test_what_the_process_that_refreshes_logs_keeps_its_fields() -> None:
    """Through a pipe, as the daemon has it from its child."""
    text = logs.fields(source="2025", sources=["a,b", "c"], seconds=0.5, path=Path("x"))
    record = logging.LogRecord("feedpub.store", logging.INFO, "", 0, "read  %s", (text,), None)
    logs.portable(record)
    line = json.loads(logs.JsonFormatter().format(pickle.loads(pickle.dumps(record))))
    assert line["event"] == "read"
    assert line["fields"] == {"source": "2025", "sources": ["a,b", "c"], "seconds": 0.5, "path": "x"}
    assert (
        logs.PeopleFormatter()
        .format(record)
        .endswith("INFO read  source=2025 sources=a,b,c seconds=0.5 path=x")
    )


def test_as_json_a_warning_of_python_is_an_object_too() -> None:
    program = "import sys, warnings; from feedpub import logs; logs.show(sys.stderr, 'INFO', 'json'); warnings.warn('old')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    (line,) = map(json.loads, done.stderr.splitlines())
    assert (line["level"], line["logger"]) == ("WARNING", "py.warnings")
    assert "UserWarning: old" in line["event"]


def test_the_server_writes_its_log_as_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "articles").mkdir()
    configuration = tmp_path / "feedpub.toml"
    configuration.write_text('[sources.articles]\npath = "articles"\n[log]\nformat = "json"\n')

    def run(*_: object, **__: object) -> int:
        logging.getLogger("feedpub.serving").info("server started  %s", logs.fields(port=8080))
        return 0

    monkeypatch.setattr("feedpub.serving.run", run)

    def last_line(*arguments: str) -> str:
        err = io.StringIO()
        assert cli.run(["serve", "--config", str(configuration), *arguments], io.StringIO(), err) == 0
        return err.getvalue().splitlines()[-1]

    assert json.loads(last_line())["fields"] == {"port": 8080}
    assert last_line("--log-format", "people").endswith("Z INFO server started  port=8080")
