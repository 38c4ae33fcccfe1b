"""The wheel and the source distribution: built, installed in a clean environment, and used from there.

Nothing here needs the internet: hatchling builds without an environment of its own, and the packages
that feedpub needs are shown to the clean environment by a .pth file. Python does not follow the .pth
files of a folder that was added like this, so a feedpub under development is not found through it.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import feedparser
import pytest

import feedpub
from tests.conftest import ROOT

ARTICLE = """\
 date 2025-09-02 Harbour Minister Ada Byrne and the town council on Tuesday agreed to rebuild the east mole before
the winter, and to share the cost.

During the meeting in the town hall, the minister said that the mole had been in danger since the storm of January.

The council will hear the engineers' report in October.
"""
"""In the form of an archive: a date before the first word, no headline."""

FOLDERS = ("feedpub", "schemas", "tests", "examples", "benchmarks")


def run(*command: str | Path, cwd: Path) -> str:
    """What a program prints, run as if from a new login: none of this environment's variables for Python."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "PIP_", "COV_"))}
    ran = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**kept, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONNOUSERSITE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ran.returncode == 0, f"{command} left with {ran.returncode}:\n{ran.stdout}\n{ran.stderr}"
    return ran.stdout


def build(kind: str, project: Path, folder: Path) -> Path:
    """The wheel or sdist of a project."""
    run(sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", folder, cwd=project)
    (built,) = folder.glob("*.whl" if kind == "wheel" else "*.tar.gz")
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(build("sdist", ROOT, folder)) as packed:
        packed.extractall(folder, filter="data")
    return folder / f"feedpub-{feedpub.__version__}"


@dataclass
class Installed:
    """feedpub in a clean environment."""

    root: Path
    elsewhere: Path

    @property
    def packages(self) -> Path:
        (folder,) = self.root.glob("lib/python*/site-packages")
        return folder

    def feedpub(self, *arguments: str | Path) -> str:
        return run(self.root / "bin" / "feedpub", *arguments, cwd=self.elsewhere)

    def python(self, code: str) -> str:
        return run(self.root / "bin" / "python", "-c", code, cwd=self.elsewhere)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    root = tmp_path_factory.mktemp("clean") / "environment"
    found = Installed(root, tmp_path_factory.mktemp("elsewhere"))
    run(sys.executable, "-m", "venv", root, cwd=root.parent)
    run(root / "bin" / "python", "-m", "pip", "install", "--no-deps", "--no-index", wheel, cwd=root.parent)
    dependencies = dict.fromkeys(sysconfig.get_path(name) for name in ("purelib", "platlib"))
    (found.packages / "dependencies.pth").write_text("\n".join(dependencies) + "\n")
    return found


def tracked(folder: str) -> set[str]:
    """The files of one folder as git has them; outside a clone, those that are no by-products."""
    if shutil.which("git") and (ROOT / ".git").exists():
        listed = run(
            *("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", folder), cwd=ROOT
        ).split("\0")
        return {name for name in listed if name and (ROOT / name).is_file()}
    every = (path.relative_to(ROOT) for path in (ROOT / folder).rglob("*") if path.is_file())
    by_products = {"__pycache__", ".feedpub"}
    return {path.as_posix() for path in every if not by_products & set(path.parts)}


def names(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as packed:
        return set(packed.namelist())


def test_the_wheel_holds_the_program_and_the_schemas_and_nothing_else(wheel):
    # One name for every tracked file: nothing forgotten, no by-product, no tests.
    expected = tracked("feedpub") | {f"feedpub/{name}" for name in tracked("schemas")}
    assert {name for name in names(wheel) if ".dist-info/" not in name} == expected
    assert f"feedpub-{feedpub.__version__}.dist-info/licenses/LICENSE" in names(wheel)


def test_an_installed_feedpub_is_the_wheel_and_not_the_checkout(installed):
    found = installed.python("import feedpub, json, sys; print(json.dumps([feedpub.__file__, sys.path]))")
    file, path = json.loads(found)
    assert Path(file) == installed.packages / "feedpub" / "__init__.py"
    assert str(ROOT) not in path
    assert installed.feedpub("--version").split() == ["feedpub", feedpub.__version__]


def test_an_installed_feedpub_publishes_an_article(installed, tmp_path):
    articles = tmp_path / "articles"
    articles.mkdir()
    (articles / "mole.txt").write_text(ARTICLE, encoding="utf-8")
    output = tmp_path / "out"
    report = json.loads(installed.feedpub("publish", articles, "--output", output, "--strict", "--json"))
    assert (report["failed"], report["quarantine"]) == (False, [])

    feed = feedparser.parse((output / "feed.xml").read_bytes())
    assert not feed.bozo
    (item,) = feed.entries
    assert item.published_parsed[:3] == (2025, 9, 2)
    assert "Ada Byrne" in item.title
    assert "2025-09-02" not in item.title
    content = item.summary
    assert "east mole" in content
    assert "storm of January" in content
    assert "engineers" in content
    assert "2025-09-02" not in content
    assert (output / "index.html").is_file()
    assert len(list((output / "articles").rglob("*.html"))) == 1


def test_an_installed_feedpub_has_its_schemas_and_templates_in_itself(installed):
    found = json.loads(
        installed.python(
            "import json; from feedpub import resources\n"
            "from feedpub.formats import page\n"
            "print(json.dumps([str(resources.schema_folder()), resources.schema_names(), page.__file__]))"
        )
    )
    folder, schemas, page = Path(found[0]), found[1], Path(found[2])
    assert folder == installed.packages / "feedpub" / "schemas"
    suffix = ".schema.json"
    plain = {name for name in tracked("schemas") if name.endswith(".json")}
    assert {f"schemas/{name}{suffix}" for name in schemas} == plain
    for name in schemas:
        assert (folder / f"{name}{suffix}").read_bytes() == (
            ROOT / "schemas" / f"{name}{suffix}"
        ).read_bytes()
    templates = {path.name for path in (page.parent / "templates").iterdir()}
    assert templates == {path.name for path in (ROOT / "feedpub" / "formats" / "templates").iterdir()}
    assert installed.packages in page.parents


def test_an_installed_feedpub_refuses_and_explains_with_its_own_schemas(installed):
    told = installed.python("import feedpub; print(*feedpub.validate({'@type': 'NewsArticle'}), sep='\\n')")
    assert told.splitlines() == [str(problem) for problem in feedpub.validate({"@type": "NewsArticle"})]
    assert "articleBody" in told


def test_the_source_distribution_holds_what_the_project_consists_of(sdist):
    held = {path.relative_to(sdist).as_posix() for path in sdist.rglob("*") if path.is_file()}
    # pytest and Python leave by-products beside the tests, never in the distribution.
    assert not {name for name in held if "__pycache__" in name or name.endswith(".pyc")}
    for folder in FOLDERS:
        assert {name for name in held if name.startswith(f"{folder}/")} == tracked(folder)
    assert {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "pyproject.toml"} <= held
    assert "feeds/README.md" in held


def test_the_source_distribution_builds_the_same_wheel(sdist, wheel, tmp_path):
    rebuilt = build("wheel", sdist, tmp_path)
    assert rebuilt.name == wheel.name
    assert names(rebuilt) == names(wheel)
