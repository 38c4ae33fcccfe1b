"""What the documentation says is true: its examples run, its commands and files exist, its numbers agree."""

from __future__ import annotations

import argparse
import io
import json
import re
import shlex
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import feedpub
from feedpub import cli, init
from feedpub.cli import options
from tests.conftest import ROOT

PAGES = (
    *("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "feeds/README.md"),
    *("schemas/README.md", "examples/newsroom/README.md", "docs/daemon.md", "deploy/README.md"),
    "docs/operating.md",
)

COMMAND = re.compile(r"(?:\.venv/bin/)?feedpub((?: .*)?)")


def page(name: str) -> str:
    return (ROOT / name).read_text("utf-8")


def blocks(text: str, language: str) -> list[str]:
    """The fenced blocks of one language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def inline(text: str) -> list[str]:
    """What stands between single backticks, outside fenced blocks; line breaks are spaces."""
    prose = re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return [" ".join(code.split()) for code in re.findall(r"`([^`]+)`", prose)]


def typed(text: str) -> list[str]:
    """The commands of a page's console blocks, without prompt and comment, one program call each."""
    lines = [line[2:] for block in blocks(text, "console") for line in block.splitlines() if line[:2] == "$ "]
    return [
        " ".join(shlex.split(part, comments=True)) for line in lines for part in re.split(r" && |; ", line)
    ]


def calls(texts: list[str]) -> list[str]:
    """The arguments of each call of feedpub among commands."""
    return [found[1].strip() for text in texts if (found := COMMAND.fullmatch(text))]


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    """The parser itself and that of every command and its parts."""
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from parsers(inner)


def commands() -> set[str]:
    return {parser.prog.removeprefix("feedpub ") for parser in parsers(cli.build_parser())} - {"feedpub"}


def understood(arguments: str) -> bool:
    """Whether feedpub knows the command and all its options, without carrying it out."""
    if arguments.removesuffix("--help").strip() in {"", *commands()}:
        return True  # it is only named, or its help is asked for
    try:
        return "handler" in cli.build_parser().parse_args(shlex.split(arguments))
    except SystemExit as left:
        return left.code == 0


# The examples


def test_the_python_example_of_the_readme_runs_as_written(capsys):
    (example,) = blocks(page("README.md"), "python")
    text = (
        "---\ntitle: Bridge opens\ndate: 2025-09-02\n---\n\nThe bridge opened on Tuesday after four years.\n"
    )
    known: dict[str, Any] = {"text": text}
    exec(compile(example, "README.md", "exec"), known)
    feed = known["feed"].decode() if isinstance(known["feed"], bytes) else known["feed"]
    assert "<title>Bridge opens</title>" in feed
    assert "<link>https://news.example/42</link>" in feed
    assert capsys.readouterr().out == ""


def test_the_python_example_of_the_schemas_runs_as_written(capsys, monkeypatch):
    monkeypatch.chdir(ROOT)
    (example,) = blocks(page("schemas/README.md"), "python")
    exec(compile(example, "schemas/README.md", "exec"), {})
    told = capsys.readouterr().out
    # The example's record has a type and a headline, and lacks an id, an address and a text.
    missing = set(re.findall(r"'(\S+)' is a required property", told))
    assert missing == {"@id", "url", "articleBody"}


# The commands


@pytest.mark.parametrize("name", PAGES)
def test_every_command_on_a_page_exists_with_its_options(name):
    named = [*calls(typed(page(name))), *calls(inline(page(name)))]
    wrong = [f"feedpub {arguments}" for arguments in named if not understood(arguments)]
    assert not wrong


def test_the_readme_names_every_command():
    shown = calls(typed(page("README.md")))
    assert len(shown) > 8
    assert {command for command in commands() if " " not in command} == {
        arguments.split()[0] for arguments in shown
    }


@pytest.mark.parametrize("parser", list(parsers(cli.build_parser())), ids=lambda parser: parser.prog)
def test_every_help_has_an_example_that_can_be_pasted(parser):
    example = (parser.epilog or "").partition("example:\n")[2].partition("\n\n")[0]
    lines = [line.strip() for line in example.splitlines()]
    assert any(line.startswith("feedpub ") for line in lines)
    for line in lines:
        # The one other program that an example uses.
        assert line.startswith("cd ") or all(map(understood, calls([line]) or ["?"])), line


def test_the_judge_of_commands_knows_wrong_ones():
    assert not understood("publsh articles")
    assert not understood("publish articles --ouput feeds")
    assert not understood("publish --ouput feeds")
    assert not understood("--hepl")
    assert understood("quarantine show budget.md")
    assert understood("explain")


@pytest.mark.parametrize("name", PAGES)
def test_every_make_target_on_a_page_exists(name):
    targets = set(re.findall(r"^([a-z-]+):(?!=)", page("Makefile"), re.MULTILINE))
    named = {
        found[1]
        for text in (
            *typed(page(name)),
            *inline(page(name)),
            *re.findall(r"^ {4}(make .*)$", page(name), re.M),
        )
        if (found := re.match(r"make ([a-z-]+)", text))
    }
    assert named <= targets
    if name in ("README.md", "CONTRIBUTING.md"):
        assert {"feeds", "test"} <= named


def test_every_make_target_is_declared_and_explained():
    makefile = page("Makefile")
    targets = set(re.findall(r"^([a-z-]+):(?!=)", makefile, re.MULTILINE))
    assert targets == set(re.findall(r"^([a-z-]+):.*## \S", makefile, re.MULTILINE))
    (declared,) = re.findall(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert targets == set(declared.split())


EXITS = {
    # In the words of the README: what was meant by a person who wrote them down.
    "done (with `--strict`: and nothing was held back or out of reach)": options.DONE,
    "a source or an output failed, or `check` or `verify` found something wrong": options.FAILED,
    "usage or configuration": options.USAGE,
}


def test_the_exit_codes_of_the_readme_are_those_of_the_program(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the state of a bare folder stands where the command is run
    (sentence,) = re.findall(r"Exit codes:\s+(.*?)\.\n", page("README.md"), re.DOTALL)
    told = {
        meaning: int(code)
        for code, meaning in re.findall(r"(\d) (.*?)(?:, (?=\d )|$)", " ".join(sentence.split()))
    }
    assert told == EXITS
    articles = tmp_path / "articles"
    articles.mkdir()
    (articles / "good.txt").write_text("date 2025-09-02 The bridge opened on Tuesday after four years.\n")
    output = tmp_path / "feeds"

    def left(*arguments: str | Path) -> int:
        return cli.run([str(argument) for argument in arguments], io.StringIO(), io.StringIO())

    publish = ("publish", articles, "--output", output)
    assert left(*publish, "--strict") == 0
    (articles / "bad.txt").write_text("Date: 2025-02-30\n\nThe bridge opened on Tuesday after four years.\n")
    assert left(*publish) == 0
    assert left(*publish, "--strict") == 1
    assert left("check", articles) == 1
    (tmp_path / "a-file").touch()
    assert left("publish", articles, "--output", tmp_path / "a-file") == 1
    assert left(*publish, "--ouput", output) == 2
    (tmp_path / "feedpub.toml").write_text("[site]\ntitel = 'x'\n")
    assert left("publish", "--config", tmp_path / "feedpub.toml") == 2


def test_the_exit_codes_of_the_help_are_those_of_the_readme():
    told = dict(re.findall(r"^  (\d)  (.*)$", options.EXIT_CODES, re.MULTILINE))
    assert {int(code) for code in told} == set(EXITS.values())
    for meaning, code in EXITS.items():
        # The README puts 2 in fewer words: the arguments are the usage, feedpub.toml is the configuration.
        first = "feedpub.toml" if code == options.USAGE else meaning.partition(",")[0].partition(" (")[0]
        assert first in told[str(code)]


# The files


@pytest.mark.parametrize("name", PAGES)
def test_every_relative_link_leads_to_a_file(name):
    folder = (ROOT / name).parent
    links = re.findall(r"\]\(([^)\s]+)\)", page(name))
    relative = [link for link in links if not re.match(r"[a-z]+:", link)]
    broken = []
    for link in relative:
        path, _, anchor = link.partition("#")
        target = folder / path if path else ROOT / name
        headings = (
            re.findall(r"^#+ (.*)$", target.read_text("utf-8"), re.M) if anchor and target.is_file() else []
        )
        slugs = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
        if not target.exists() or (anchor and anchor not in slugs):
            broken.append(link)
    assert not broken
    assert relative or name not in ("README.md", "CONTRIBUTING.md")


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md"])
def test_every_path_of_the_project_on_a_page_exists(name):
    # `articles/…`, `media/` and the like are in the output; what begins with one of these is in the project.
    own = ("feedpub/", "schemas/", "examples/", "benchmarks/", "tests/", "feeds/README")
    paths = [code for code in inline(page(name)) if code.startswith(own) and re.fullmatch(r"[\w./-]+", code)]
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


# The configuration


def keys(schema: dict[str, Any], root: dict[str, Any], at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every key that a TOML file under this schema may have; * stands for a name that the user gives."""
    if "$ref" in schema:
        schema = {**root["$defs"][schema["$ref"].rpartition("/")[2]], **schema}
    named = {name: {} for name in schema.get("propertyNames", {}).get("enum", ())}
    inner = {**named, **schema.get("properties", {})}
    if not named and isinstance(schema.get("additionalProperties"), dict):
        inner["*"] = schema["additionalProperties"]
    for name, value in inner.items():
        yield from keys(value, root, (*at, name))
    if not inner and schema.get("type") != "object":
        yield at


def present(value: Any, at: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every key of a TOML document; * for the name of a source or feed."""
    if not isinstance(value, dict):
        yield at
        return
    for name, inner in value.items():
        named = len(at) == 1 and at[0] in ("sources", "feeds")
        yield from present(inner, (*at, "*" if named else name))


def test_the_configuration_that_init_writes_shows_every_key(tmp_path):
    lines = init.begin(tmp_path, environment={}, system=tmp_path).config.read_text("utf-8").splitlines()
    opened = [
        line[2:] if line.startswith("# [") or re.match(r"# [\w.]+ = ", line) else line for line in lines
    ]
    comments = " ".join(line[2:] for line in lines if line.startswith("# "))
    (mapped,) = re.findall(r"The names are (.*?)\.", comments)
    schema = json.loads((ROOT / "schemas" / "config.schema.json").read_bytes())
    wanted = set(keys(schema, schema))
    shown = set(present(tomllib.loads("\n".join(opened))))
    shown |= {("sources", "*", "fields", name) for name in re.split(r", | or ", mapped)}
    assert len(wanted) > 60
    assert shown == wanted


# The version


def test_the_version_is_the_same_everywhere():
    (top, *_) = re.findall(r"^## (\S+)", page("CHANGELOG.md"), re.MULTILINE)
    project = tomllib.loads(page("pyproject.toml"))["project"]
    assert top == project["version"] == feedpub.__version__


def test_the_least_python_is_the_same_everywhere():
    project = tomllib.loads(page("pyproject.toml"))["project"]
    (least,) = re.findall(r"Python (\d\.\d+) or newer", page("README.md"))
    assert project["requires-python"] == f">={least}"
    assert f"sys.version_info < ({least.replace('.', ', ')})" in page("Makefile")
    assert f"Programming Language :: Python :: {least}" in project["classifiers"]
