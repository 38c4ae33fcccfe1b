"""The structure: who may import whom, what is public, what is imported late, and under which licences."""

from __future__ import annotations

import ast
import fnmatch
import functools
import importlib
import inspect
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import feedpub

PACKAGE = Path(feedpub.__file__).resolve().parent

FLOORS = (
    # Lowest first. A module imports modules of lower floors only. Modules between one pair of
    # quotation marks belong together and may know each other; "formats.*" are those inside formats.
    ("errors",),
    ("models",),
    (
        "datewords",
        "digests",
        "late",
        "logs",
        "reports",
        "resources",
        "timeorder",
        "twins",
        "urls",
        "vocabulary",
        "workers",
    ),
    ("cadence", "daemonstate", "dates", "eventkeys", "heartbeat", "published", "staging", "standing"),
    ("observation", "outputlock"),
    ("formats", "sources"),
    ("config config_file config_check config_text",),
    ("explanation", "extraction extraction.*", "formats.*", "merging", "plugins", "provenance"),
    ("media", "records", "sources.*", "store store.*", "validation"),
    ("search search.*",),
    ("observing",),
    ("alarms alarms.*",),
    ("library", "locating", "reloading", "timing", "verification verification.*"),
    ("serving serving.*",),
    ("manifests", "preparation"),
    (
        *("batches", "catalogue", "decisions", "entries", "guard", "history", "identity", "publication"),
        *("rendering", "renewal", "syndication"),
    ),
    ("clashes", "events", "filing"),
    ("damage", "removal", "waiting", "windows"),
    ("feedfiles", "intake", "sitefiles"),
    ("outputs", "remarks", "websub"),
    ("pipeline", "purging", "rehearsal"),
    ("checking", "diff", "withdrawal"),
    ("daemon daemon.*", "init", "supervising"),
    ("cli cli.*",),
    ("__main__",),
)

SEAMS = {
    # What a package imports of its own modules before it is used. Else it loads what it names when needed.
    "extraction": {"extraction.settings"},  # the type of an argument of `extract`, itself without imports
    "formats": set(),
    "sources": set(),
    "verification": {"verification.differences"},  # the type of what it finds, without imports
    # Both run for long and are imported by the command that starts them.
    "daemon": {"daemon.clock", "daemon.service", "daemon.timer"},
    "search": set(),
    "serving": {"serving.app"},
    # Imported as a whole when a store is opened, and by nobody else.
    "store": {"store.ledger", "store.replay", "store.schema", "store.transaction"},
    # What the daemon calls loads nothing where no alarm is configured.
    "alarms": set(),
    # The commands build the parser; each imports what it does only when it runs.
    "cli": {
        *("cli.alarms", "cli.check", "cli.diff", "cli.explain", "cli.next", "cli.options", "cli.publish"),
        "cli.quarantine",
        *("cli.services", "cli.start", "cli.status", "cli.terminal", "cli.verify", "cli.withdraw"),
    },
}

BY_NAME = {"", "late", "plugins"}
"""The modules that may import by a computed name: public names, packages loaded late, and plugins."""

HEAVY = {
    *(
        "brotli",
        "cronsim",
        "extruct",
        "dateutil",
        "feedgen",
        "feedparser",
        "httpx",
        "icalendar",
        "jinja2",
        "jsonschema",
        "jsonschema_rs",
        "lxml",
        "numpy",
        "prometheus_client",
        "py3langid",
        "rdflib",
        "schedule",
    ),
    *("sqlalchemy", "starlette", "tqdm", "trafilatura", "uvicorn", "vobject", "watchfiles", "yaml"),
}

LONGEST = 450
"""Lines in a file; a longer one holds more than one idea."""


@dataclass(frozen=True)
class Import:
    """`importer` imports `imported`, both named without "feedpub."; "" is the package itself.

    `late`: inside a function. An import under TYPE_CHECKING is as good as any other (and counts as late):
    a type is knowledge too, and a type of an upper floor shows that the module has the wrong place.
    """

    importer: str
    imported: str
    line: int
    late: bool

    def __str__(self) -> str:
        return f"feedpub.{self.importer} line {self.line} imports feedpub.{self.imported}"


@functools.cache
def modules() -> dict[str, ast.Module]:
    """The syntax tree of every module, by its name without "feedpub."."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts)
        found["" if name == "__init__" else name.removesuffix(".__init__")] = ast.parse(path.read_bytes())
    return found


def of_feedpub(name: str) -> str | None:
    """A module's name without "feedpub."; None if it belongs to somebody else."""
    return name.removeprefix("feedpub").removeprefix(".") if re.match(r"feedpub(\.|$)", name) else None


def statements(tree: ast.AST, *, late: bool = False) -> Iterator[tuple[ast.Import | ast.ImportFrom, bool]]:
    """Every import of a module, and whether it is one that is not carried out on loading."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node, late
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from statements(node, late=True)
        else:
            inside = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            yield from statements(node, late=late or inside)


def imports_of(importer: str) -> Iterator[Import]:
    """What one module imports from feedpub."""
    for node, late in statements(modules()[importer]):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            assert not node.level, f"feedpub.{importer} line {node.lineno}: write out `from feedpub… import`"
            here = of_feedpub(node.module or "")
            names = [
                f"{node.module}.{alias.name}"
                if f"{here}.{alias.name}".removeprefix(".") in modules()
                else str(node.module)
                for alias in node.names
            ]
        for name in names:
            imported = of_feedpub(name)
            if imported is not None and imported != importer:
                yield Import(importer, imported, node.lineno, late)


def place_of(module: str) -> tuple[int, str] | None:
    """The floor of a module and those that it belongs together with; None if the table lacks it."""
    found = [
        (floor, group)
        for floor, groups in enumerate(FLOORS)
        for group in groups
        if any(fnmatch.fnmatchcase(module, pattern) for pattern in group.split())
    ]
    assert len(found) < 2, f"feedpub.{module} stands in FLOORS more than once: {found}"
    return found[0] if found else None


def reached_from(module: str) -> set[str]:
    """All that a module imports, directly or through others, now or later."""
    reached: set[str] = set()
    waiting = {module}
    while waiting:
        new = {found.imported for found in imports_of(waiting.pop())} - reached - {""}
        reached |= new
        waiting |= new
    return reached


def test_every_module_has_its_floor():
    homeless = [f"feedpub.{module}" for module in modules() if module and place_of(module) is None]
    assert not homeless, f"put {', '.join(homeless)} into FLOORS, above all that it imports"


def test_the_table_of_floors_names_no_module_that_is_gone():
    patterns = [pattern for groups in FLOORS for group in groups for pattern in group.split()]
    gone = [pattern for pattern in patterns if not fnmatch.filter(modules(), pattern)]
    assert not gone


@pytest.mark.parametrize("module", [module for module in modules() if module])
def test_a_module_imports_only_lower_floors(module):
    own = place_of(module)
    assert own is not None
    wrong = []
    for found in imports_of(module):
        if found.imported == "":
            continue
        other = place_of(found.imported)
        if other is not None and other[0] >= own[0] and other != own:
            wrong.append(f"{found} (floor {other[0]}; its own is {own[0]})")
    assert not wrong


def test_modules_take_nothing_but_the_version_from_the_package_itself():
    # Its names are imported late from all floors, so they would hide who knows whom.
    for module, tree in modules().items():
        for node, _ in statements(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "feedpub":
                names = {alias.name for alias in node.names} - modules().keys()
                assert names <= {"__version__"}, f"feedpub.{module} line {node.lineno}"
            elif isinstance(node, ast.Import):
                assert "feedpub" not in {alias.name for alias in node.names}, f"feedpub.{module}"


def test_only_names_and_plugins_are_imported_by_a_computed_name():
    computed = {
        module
        for module, tree in modules().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
        and (node.id if isinstance(node, ast.Name) else node.attr) in ("import_module", "__import__")
    }
    assert computed == BY_NAME


def test_no_module_needs_itself_to_be_loaded():
    now = {
        module: {found.imported for found in imports_of(module) if not found.late} - {""}
        for module in modules()
        if module
    }
    while free := [module for module, needed in now.items() if not needed & now.keys()]:
        for module in free:
            del now[module]
    assert not now, "these import each other in a circle, or something that does"


@pytest.mark.parametrize(
    "package", [module for module in modules() if (PACKAGE / module).is_dir() and module]
)
def test_a_package_does_not_load_its_modules_before_they_are_used(package):
    loaded = {found.imported for found in imports_of(package) if not found.late}
    assert {module for module in loaded if module.startswith(f"{package}.")} == SEAMS[package]


@pytest.mark.parametrize("module", ["published", "serving.site"])
def test_serving_knows_nothing_of_refreshing(module):
    (config, _), (own, _) = place_of("config") or (0, ""), place_of(module) or (0, "")
    upper = {name for name in reached_from(module) if (place_of(name) or (own, ""))[0] > config}
    # Its own modules are as free of it: what they reach is reached from here.
    assert {name for name in upper if not name.startswith("serving.")} == set()


def test_no_file_holds_more_than_one_idea():
    lengths = {
        path.relative_to(PACKAGE).as_posix(): path.read_bytes().count(b"\n") for path in PACKAGE.rglob("*.py")
    }
    too_long = {name: lines for name, lines in lengths.items() if lines > LONGEST}
    assert not too_long, f"split what has more than {LONGEST} lines"


# Public names


def promised() -> dict[str, str]:
    """The public names as type checkers see them: name → module."""
    return {
        alias.name: node.module or ""
        for node, late in statements(modules()[""])
        if isinstance(node, ast.ImportFrom) and late
        for alias in node.names
    }


def test_type_checkers_see_exactly_the_public_names():
    assert promised().keys() == set(feedpub.__all__) - {"__version__"}
    assert len(set(feedpub.__all__)) == len(feedpub.__all__)
    assert set(dir(feedpub)) == set(feedpub.__all__)


@pytest.mark.parametrize("name", [name for name in feedpub.__all__ if name != "__version__"])
def test_a_public_name_is_what_type_checkers_see_and_is_documented(name):
    public = getattr(feedpub, name)
    assert public is getattr(importlib.import_module(promised()[name]), name)
    # Not the parent's, and not the signature that a dataclass writes where there is none.
    documentation = inspect.cleandoc(public.__doc__ or "")
    assert documentation
    assert not documentation.startswith(f"{name}(")
    assert documentation not in {base.__doc__ for base in getattr(public, "__mro__", [])[1:]}


def test_a_name_that_is_not_there_is_told_as_usual():
    with pytest.raises(AttributeError, match="no attribute 'publsh'"):
        _ = feedpub.publsh


# Late imports


def loaded_by(code: str) -> set[str]:
    """The modules that a fresh Python has loaded after `code`."""
    after = f"{code}\nimport json, sys\nprint('\\n' + json.dumps(sorted(sys.modules)))"
    ran = subprocess.run(
        [sys.executable, "-c", after],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(json.loads(ran.stdout.splitlines()[-1]))


HELP = """
import sys
from feedpub.cli import main
sys.argv = ["feedpub", *{arguments!r}]
try:
    main()
except SystemExit as left:
    assert left.code == 0
"""


@pytest.mark.parametrize(
    "code",
    [
        "import feedpub",
        HELP.format(arguments=["--help"]),
    ],
    ids=["import", "--help"],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(code):
    assert not loaded_by(code) & HEAVY


def test_serving_loads_nothing_that_refreshing_needs():
    loaded = loaded_by("import feedpub.serving")
    assert "feedpub.serving" in loaded
    assert not loaded & (HEAVY - {"starlette", "uvicorn", "jsonschema_rs"})
    assert not {
        name for name in loaded if name.startswith(("feedpub.store", "feedpub.pipeline", "feedpub.i"))
    }


# The four packages


def importers_of(package: str) -> set[str]:
    found = set()
    for module, tree in modules().items():
        for node, _ in statements(tree):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
            if any(name.partition(".")[0] == package for name in names):
                found.add(module)
    return found


@pytest.mark.parametrize(
    ("package", "module", "work"),
    [
        ("feedgen", "formats.frames", "feedpub.render([], feedpub.Site(), 'rss')"),
        (
            "extruct",
            "extraction.pagedata",
            "feedpub.extract(feedpub.Document('web', '1', b'<p itemscope itemtype=\"https://schema.org/Article\">"
            "<b itemprop=\"headline\">Bridge opens</b> to traffic after four years.', 'text/html'))",
        ),
        ("jsonschema", "explanation", "feedpub.validate({'@type': 'NewsArticle'})"),
        ("schedule", "daemon.jobs", "import feedpub.daemon"),
    ],
)
def test_each_of_the_four_packages_does_its_job_in_one_module(package, module, work):
    # What reads pages back before they are published must not be feedpub's own reader.
    assert importers_of(package) - {"verification.pages"} == {module}
    assert package in loaded_by(f"import feedpub\n{work}")


# Licences

EITHER = {
    # Packages that name the GNU licences, and why they may be in the default install nevertheless.
    "feedgen": "FreeBSD or LGPL, as the user likes: see its license.bsd and license.lgpl; we take FreeBSD",
    "tld": "MPL 1.1, GPL or LGPL, as the user likes; we take MPL",
}


def closure() -> dict[str, Distribution]:
    """What `pip install feedpub` installs, as far as this system and Python need it."""
    found: dict[str, Distribution] = {}
    asked: set[tuple[str, frozenset[str]]] = set()
    waiting: list[tuple[str, frozenset[str]]] = [("feedpub", frozenset())]
    while waiting:
        wanted = waiting.pop()
        if wanted in asked:
            continue
        asked.add(wanted)
        name, extras = wanted
        found[name] = distribution(name)
        for line in found[name].requires or ():
            needed = Requirement(line)
            if needed.marker is None or any(
                needed.marker.evaluate({"extra": extra}) for extra in {"", *extras}
            ):
                waiting.append((re.sub(r"[-_.]+", "-", needed.name).lower(), frozenset(needed.extras)))
    del found["feedpub"]
    return found


def licence(package: Distribution) -> str:
    """All that a package says about its licence, in one text; "" if it says nothing."""
    metadata = package.metadata
    said = [
        *metadata.get_all("License-Expression", []),
        *metadata.get_all("License", []),
        *(text for text in metadata.get_all("Classifier", []) if text.startswith("License ::")),
    ]
    return " · ".join(text for text in said if text.strip() and text != "UNKNOWN")


def test_the_default_install_is_free_of_the_gpl():
    installed = closure()
    assert {"feedgen", "lxml", "rfc3987-syntax"} <= installed.keys(), "the walk misses what is surely there"
    assert not {"pytest", "rfc3987"} & installed.keys(), "the walk follows extras that nobody asked for"
    silent = {name for name, package in installed.items() if not licence(package)}
    assert not silent
    gnu = {
        name: licence(package)
        for name, package in installed.items()
        if re.search(r"\b[AL]?GPL|GNU|Affero", licence(package), re.IGNORECASE)
    }
    assert gnu.keys() == EITHER.keys(), f"{gnu}: find another package, or say in EITHER why it may stay"
