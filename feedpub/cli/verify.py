"""`feedpub verify`: read a published folder back with parsers that had no part in writing it."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from feedpub.cli import options

if TYPE_CHECKING:
    from feedpub.cli.terminal import Terminal


def add(commands: Any) -> None:
    """Add the command."""
    parser = options.command(
        commands,
        "verify",
        "Read a published folder back with independent parsers and say where its files differ.",
        "feedpub verify feeds",
        run,
    )
    parser.add_argument(
        "folder", metavar="FOLDER", help="what was published, by feedpub or by other software"
    )


def run(arguments: argparse.Namespace, terminal: Terminal) -> int:
    """Verify; the JSON has "files" (by format), "records" and "differences"."""
    from pathlib import Path

    from feedpub.cli import present
    from feedpub.cli.terminal import clean
    from feedpub.verification.folder import by_file, verify_folder

    folder = Path(arguments.folder)
    if not folder.is_dir():
        terminal.message(f"feedpub: {clean(str(folder))} is not a folder; give the one that was published")
        return options.USAGE
    with terminal.progress("file") as progress:
        verdict = verify_folder(folder, progress)
    if terminal.as_json:
        terminal.json(verdict)
    else:
        for path, found in by_file(verdict.differences):
            terminal.data(terminal.paint("bold", clean(path)))
            for one in found:
                about = f" of {one.record_id}" if one.record_id else ""
                terminal.data(clean(f"  {one.format}: {one.field}{about}"))
                terminal.data(clean(f"    should be {one.expected}"))
                terminal.data(clean(f"    but is    {one.found}"))
        what = [present.counted(number, f"{name} file") for name, number in sorted(verdict.files.items())]
        records = present.counted(verdict.records, "record")
        differences = present.counted(len(verdict.differences), "difference")
        terminal.remark(f"{records} in {', '.join(what) or 'no file that can be verified'}: {differences}")
    return options.FAILED if verdict.differences or not verdict.files else options.DONE
