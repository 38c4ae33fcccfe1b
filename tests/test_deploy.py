"""What stands in deploy/: units and an image that do what their README says."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from feedpub import cli
from feedpub.daemon import ending
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
UNITS = ("feedpub.service", "feedpub-serve.service")


def keys(name: str) -> dict[str, list[str]]:
    """Key → values of a unit."""
    found: dict[str, list[str]] = {}
    for line in (DEPLOY / name).read_text().splitlines():
        if line and line[0] not in "#[;":
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


@pytest.mark.parametrize("name", UNITS)
def test_systemd_understands_the_unit(name: str, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")
    # The program is not installed where the unit expects it.
    text = (DEPLOY / name).read_text().replace("/opt/feedpub/bin/feedpub", sys.executable)
    (tmp_path / name).write_text(text)
    ran = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / name)],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    said = [line for line in ran.stderr.splitlines() if name in line]
    assert (ran.returncode, said) == (0, []), ran.stderr


@pytest.mark.parametrize("name", UNITS)
def test_the_unit_starts_a_command_that_exists_and_is_confined(name: str) -> None:
    unit = keys(name)
    program, *arguments = shlex.split(unit["ExecStart"][0])
    assert program.endswith("/bin/feedpub")
    assert "handler" in cli.build_parser().parse_args(arguments)
    assert unit["ProtectSystem"] == ["strict"]
    assert unit["ReadWritePaths"] == unit["WorkingDirectory"] == ["/var/lib/feedpub"]
    assert unit["NoNewPrivileges"] == ["true"]
    assert unit["User"] != ["root"]
    # A wrong configuration is not tried again and again.
    assert unit["RestartPreventExitStatus"] == ["2"]


def test_the_daemon_has_time_to_end_and_its_refresh_is_left_to_it() -> None:
    unit = keys("feedpub.service")
    assert (unit["Type"], unit["KillMode"]) == (["notify"], ["mixed"])
    assert int(unit["TimeoutStopSec"][0].removesuffix("s")) > ending.GRACE_SECONDS + 2
    assert "WatchdogSec" in unit


def test_the_image_runs_as_nobody_in_particular_and_knows_whether_it_is_well() -> None:
    text = (DEPLOY / "Dockerfile").read_text()
    assert re.findall(r"^FROM (\S+)", text, re.MULTILINE) == ["python:3.11-slim", "python:3.11-slim"]
    assert text.index("\nUSER feedpub") < text.index("\nENTRYPOINT")
    assert "http://127.0.0.1:8080/health/live" in text
    for source in re.findall(r"^COPY (?!--from)(.*) \S+$", text, re.MULTILINE):
        for path in source.split():
            assert (ROOT / path).exists(), path
    (command,) = re.findall(r"^CMD \[(.*)\]$", text, re.MULTILINE)
    assert "handler" in cli.build_parser().parse_args(re.findall(r'"([^"]*)"', command))
