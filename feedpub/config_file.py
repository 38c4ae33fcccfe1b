"""feedpub.toml, or a bare folder of articles → Config; whatever cannot be meant is refused with its line.

`config_check` knows what is wrong with single values; here are the defaults, the names that only
this machine knows (time zones, plugins) and the contradictions between keys.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from feedpub import urls
from feedpub.cadence import Cadence, CadenceError, parse
from feedpub.config import (
    DEFAULT_URL,
    Alarms,
    Config,
    Daemon,
    Defaults,
    FeedConfig,
    Log,
    Publish,
    Server,
    Site,
    SourceConfig,
    Where,
)
from feedpub.config_check import (
    contradictions,
    expressions,
    filters,
    inside,
    mistakes,
    proxies,
)
from feedpub.config_text import ConfigText, read_text
from feedpub.errors import ConfigError
from feedpub.models import Agent, AgentType, Image

FILE_NAME = "feedpub.toml"
STATE_NAME = ".feedpub"
OUTPUT_NAME = "feeds"
_FEED_KEYS = ("formats", "limit", "archive", "tombstones", "event_days")
_PUBLISH_KEYS = ("undated", "guard", "guard_floor", "sitemaps", "dump", "compress", "verify")
BARE_NAME = "unconfigured.json"
"""In the state folder: which bare folder was published there, so that later commands need not be told."""

_BYTES = {"B": 1, "KB": 1000, "MB": 1000**2, "GB": 1000**3}


def load(path: Path) -> Config:
    """The configuration in the file `path`. See `feedpub.config.load`."""
    path = _absolute(Path.cwd(), path)
    file = ConfigText(path, read_text(path))
    table = file.parsed()
    file.hold(mistakes(table))
    return _config(file, table)


def default(folder: Path, *, root: Path | None = None, output: Path | None = None) -> Config:
    """The configuration for a bare folder. See `feedpub.config.default`."""
    root = _absolute(Path.cwd(), root or "")
    output = _absolute(root, output or OUTPUT_NAME)
    folder = _absolute(root, folder)
    exclude = (f"{output.relative_to(folder).as_posix()}/**",) if inside(output, folder) else ()
    config = Config(
        root=root,
        sources=(SourceConfig("articles", path=folder, exclude=exclude),),
        publish=Publish(output=output),
        state=root / STATE_NAME,
        notices=(
            f"There is no {FILE_NAME} here, so everything is at its default: "
            f"addresses begin with {DEFAULT_URL}, the title is “News”, times are UTC. "
            "`feedpub init` writes one.",
        ),
    )
    ConfigText(None, "").hold(contradictions(config))
    return config


def find(argument: str | None, cwd: Path) -> Config:
    """The configuration that a command means. See `feedpub.config.find`."""
    cwd = _absolute(Path.cwd(), cwd)
    here = cwd / FILE_NAME
    if argument is None:
        return load(here) if here.is_file() else _remembered(cwd)
    folder = _absolute(cwd, argument)
    if folder.is_file() and folder.suffix == ".toml":
        return load(folder)
    if folder.is_file():
        raise ConfigError(
            f"{argument} is a file, but a folder is expected. "
            f"`feedpub check {argument}` looks at a single article."
        )
    if not folder.is_dir():
        raise ConfigError(
            f"There is no folder {argument}. Name a folder of articles, or a newsroom with a {FILE_NAME}."
        )
    if (folder / FILE_NAME).is_file():
        return load(folder / FILE_NAME)
    if here.is_file():
        config = load(here)
        only(config, folder)
        return config
    return default(folder, root=cwd)


def only(config: Config, folder: Path) -> tuple[str, ...]:
    """The names of the sources of a newsroom that hold `folder`, which was named on the command line.

    Raises:
        ConfigError: none does; the message says how to add it.
    """
    folder = folder.resolve()
    names = tuple(
        s.name for s in config.sources if s.path is not None and folder.is_relative_to(s.path.resolve())
    )
    if names:
        return names
    name = re.sub(r"[^a-z0-9]+", "-", folder.name.lower()).strip("-") or "more"
    shown = os.path.relpath(folder, config.root) if inside(folder, config.root) else str(folder)
    raise ConfigError(
        f"{folder} belongs to no source of {config.path}. To publish it with the others, add there:\n"
        f"  [sources.{name}]\n  path = {json.dumps(shown, ensure_ascii=False)}\n"
        "To publish it by itself, run the command in another folder.",
        path=str(config.path),
    )


def with_output(config: Config, output: Path) -> Config:
    """The same configuration, publishing to another folder.

    Raises:
        ConfigError: the output would contradict the other folders.
    """
    if config.path is None and config.sources[0].path is not None:
        return default(config.sources[0].path, root=config.root, output=output)
    changed = replace(config, publish=replace(config.publish, output=_absolute(Path.cwd(), output)))
    ConfigText(config.path, "").hold(contradictions(changed))
    return changed


def remember(config: Config) -> None:
    """Note which bare folder is published here, for later commands. Nothing to do where there is a file."""
    folder = config.sources[0].path if config.sources else None
    if config.path is not None or folder is None:
        return
    note = {"folder": _relative(folder, config.root), "output": _relative(config.publish.output, config.root)}
    text = json.dumps(note, ensure_ascii=False) + "\n"
    path = config.state / BARE_NAME
    try:
        if not path.exists() or path.read_text("utf-8") != text:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    except (OSError, ValueError):
        # Only a convenience; the refresh itself will say what is wrong with the folder.
        return


def remembered_folder(root: Path) -> tuple[Path, Path] | None:
    """The bare folder published in `root` without a feedpub.toml, and its output; None if there was none."""
    try:
        note = json.loads((root / STATE_NAME / BARE_NAME).read_text("utf-8"))
        return _absolute(root, note["folder"]), _absolute(root, note["output"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _remembered(cwd: Path) -> Config:
    note = remembered_folder(cwd)
    if note is not None:
        return default(note[0], root=cwd, output=note[1])
    above = next((parent for parent in cwd.parents if (parent / FILE_NAME).is_file()), None)
    hint = f" (There is one in {above}: go there, or give --config {above / FILE_NAME}.)" if above else ""
    raise ConfigError(
        f"There is no {FILE_NAME} in {cwd}. Run `feedpub init` to start a newsroom here, "
        f"or name a folder of articles: `feedpub publish FOLDER`.{hint}"
    )


def _config(file: ConfigText, table: Mapping[str, Any]) -> Config:
    assert file.path is not None
    root = file.path.parent
    publish = table.get("publish", {})
    site = _site(file, table.get("site", {}))
    main = _feed(file, site, "", {key: publish[key] for key in _FEED_KEYS if key in publish}, FeedConfig())
    config = Config(
        root=root,
        path=file.path,
        site=site,
        sources=tuple(_source(file, site, name, value) for name, value in table.get("sources", {}).items()),
        feeds=(
            main,
            *(_feed(file, site, name, value, main) for name, value in table.get("feeds", {}).items()),
        ),
        publish=Publish(
            output=_absolute(root, publish.get("output", OUTPUT_NAME)),
            feeds_by=tuple(publish.get("feeds_by", ())),
            hubs=tuple(_address(file, hub, "publish", "hubs") for hub in publish.get("hubs", ())),
            **{key: publish[key] for key in _PUBLISH_KEYS if key in publish},
        ),
        state=_absolute(root, table.get("store", {}).get("path", STATE_NAME)),
        server=_server(table.get("server", {})),
        daemon=Daemon(
            **{
                f"{key}_seconds": parse(value).interval_seconds
                for key, value in table.get("daemon", {}).items()
            }
        ),
        log=Log(**table.get("log", {})),
        alarms=_alarms(file, table.get("alarms", {})),
        notices=tuple(_notices(file.path.name, table.get("site", {}))),
    )
    if not config.sources:
        raise file.fail(
            "sources", message='no source is named; add the lines\n  [sources.articles]\n  path = "articles"'
        )
    _known_formats(config, file)
    file.hold((*filters(config), *expressions(config), *proxies(config), *contradictions(config)))
    return config


def _server(table: Mapping[str, Any]) -> Server:
    return Server(**{**table, "trusted_proxies": tuple(table.get("trusted_proxies", ()))})


def _site(file: ConfigText, table: Mapping[str, Any]) -> Site:
    values = dict(table)
    for key in ("url", "license", "image"):
        if key in values:
            values[key] = _address(file, values[key], "site", key)
    if "url" in values:
        values["url"] = values["url"].rstrip("/") + "/"
    if "key" in values:
        values["key"] = values["key"].lower()
    if "timezone" in values:
        _known_zone(file, values["timezone"])
    publisher = values.pop("publisher", None)
    if publisher is not None:
        publisher = {
            key: _address(file, value, "site", "publisher", key) if key in ("url", "logo") else value
            for key, value in publisher.items()
        }
        values["publisher"] = Agent(
            name=publisher["name"],
            # Records know the finer type too, schema.org's NewsMediaOrganization.
            type=cast(AgentType, publisher.get("type", "Organization")),
            url=publisher.get("url"),
            logo=Image(publisher["logo"]) if "logo" in publisher else None,
        )
    return Site(**values)


def _every(file: ConfigText, site: Site, table: Mapping[str, Any], section: str, name: str) -> Cadence | None:
    """When something is due, in the newsroom's zone if the text names none; None where nothing is said."""
    if "every" not in table:
        return None
    try:
        return parse(table["every"], site.timezone)
    except CadenceError as error:
        raise file.fail(section, name, "every", message=str(error)) from None


def _source(file: ConfigText, site: Site, name: str, table: Mapping[str, Any]) -> SourceConfig:
    ours = {
        "kind",
        "path",
        "every",
        "watch",
        "include",
        "exclude",
        "keep_deleted",
        "max_size",
        "defaults",
        "fields",
    }
    values: dict[str, Any] = {key: table[key] for key in ("kind", "watch", "keep_deleted") if key in table}
    if "path" in table:
        assert file.path is not None
        values["path"] = _absolute(file.path.parent, table["path"])
    if (every := _every(file, site, table, "sources", name)) is not None:
        values["every"] = every
    if "max_size" in table:
        values["max_bytes"] = _bytes(table["max_size"])
    return SourceConfig(
        name=name,
        include=_several(table.get("include", ())),
        exclude=_several(table.get("exclude", ())),
        defaults=Defaults(**table.get("defaults", {})),
        fields=dict(table.get("fields", {})),
        options={key: value for key, value in table.items() if key not in ours},
        **values,
    )


def _alarms(file: ConfigText, table: Mapping[str, Any]) -> Alarms:
    values = dict(table)
    if "webhook" in values:
        values["webhook"] = _address(file, values["webhook"], "alarms", "webhook")
    if "mail_to" in values:
        values["mail_to"] = _several(values["mail_to"])
    if "stale_after" in values:
        values["stale_after_seconds"] = parse(values.pop("stale_after")).interval_seconds
    if "free" in values:
        values["free_bytes"] = _bytes(values.pop("free"))
    return Alarms(**values)


def _feed(file: ConfigText, site: Site, name: str, table: Mapping[str, Any], main: FeedConfig) -> FeedConfig:
    return FeedConfig(
        path=name,
        title=table.get("title"),
        description=table.get("description"),
        formats=tuple(table.get("formats", main.formats)),
        **{key: table.get(key, getattr(main, key)) for key in _FEED_KEYS if key != "formats"},
        where=Where(**{key: _several(value) for key, value in table.get("where", {}).items()}),
        every=_every(file, site, table, "feeds", name),
    )


def _notices(name: str, site: Mapping[str, Any]) -> Iterable[str]:
    if "url" not in site:
        yield (
            f"No site.url in {name}: addresses begin with {DEFAULT_URL}, which only this machine can open. "
            "Set it to where the output will be found."
        )
    if "title" not in site:
        yield f"No site.title in {name}: the newsroom is called “{Site().title}”."
    if "language" not in site:
        yield f"No site.language in {name}: the feeds state no language; articles state their own."


def _several(value: str | Iterable[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _bytes(value: int | str) -> int:
    if isinstance(value, int):
        return value
    number = value.rstrip("BkKMG ")
    return int(number) * _BYTES[value.removeprefix(number).strip().upper()]


def _address(file: ConfigText, value: str, *path: str) -> str:
    address = urls.absolute(None, value)
    if address is None:
        raise file.fail(*path, message=f'"{value}" is not an http or https address')
    return address


def _known_zone(file: ConfigText, name: str) -> None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        from difflib import get_close_matches

        zones = {zone.lower(): zone for zone in available_timezones()}
        cities = {zone.rpartition("/")[2]: zone for zone in sorted(zones, reverse=True)}
        word = name.lower().replace(" ", "_")
        near = get_close_matches(word, zones, n=1, cutoff=0.7) or get_close_matches(
            word, cities, n=1, cutoff=0.8
        )
        right = zones[cities.get(near[0], near[0])] if near else None
        hint = f'did you mean "{right}"?' if right else 'for example "Europe/Berlin" or "UTC"'
        raise file.fail("site", "timezone", message=f'there is no time zone "{name}"; {hint}') from None


def _known_formats(config: Config, file: ConfigText) -> None:
    from feedpub import formats

    for number, feed in enumerate(config.feeds):
        strangers = [name for name in feed.formats if name not in formats.BUILT_IN]
        if not strangers:
            continue
        from importlib.metadata import entry_points

        known = {*formats.BUILT_IN, *(point.name for point in entry_points(group="feedpub.formats"))}
        for name in strangers:
            if name not in known:
                key = ("publish", "formats") if number == 0 else ("feeds", feed.path, "formats")
                raise file.fail(
                    *key, message=f'there is no format "{name}"; known are: {", ".join(sorted(known))}'
                )


def _absolute(root: Path, path: str | Path) -> Path:
    # Not resolve(): a link stays the name by which the user knows the folder.
    return Path(os.path.abspath(root / Path(path).expanduser()))  # noqa: PTH100


def _relative(path: Path, root: Path) -> str:
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)
