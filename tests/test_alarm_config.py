"""What feedpub.toml says about alarms, the log and the status page's token."""

from __future__ import annotations

from pathlib import Path

import pytest

from feedpub.config import Alarms, Config, load
from feedpub.errors import ConfigError


def config(tmp_path: Path, text: str) -> Config:
    path = tmp_path / "feedpub.toml"
    path.write_text(f'[sources.articles]\npath = "articles"\n{text}', "utf-8")
    return load(path)


def test_everything_has_a_default_and_nobody_is_told(tmp_path: Path) -> None:
    found = config(tmp_path, "")
    assert found.alarms == Alarms()
    assert not found.alarms.has_channel
    assert found.log.format == "people"
    assert found.server.status_token_env == "FEEDPUB_STATUS_TOKEN"


def test_every_key_is_understood(tmp_path: Path) -> None:
    found = config(
        tmp_path,
        '[server]\nstatus_token_env = "NEWS_TOKEN"\n[log]\nformat = "json"\n'
        '[alarms]\nwebhook = "https://ops.example.org/feedpub"\nwebhook_secret_env = "HOOK"\n'
        'mail_to = "desk@example.org"\nmail_from = "feedpub@example.org"\nsmtp = "smtps://mail.example.org:465"\n'
        'smtp_user_env = "U"\nsmtp_password_env = "P"\n'
        'stale_after = "6h"\nfailures = 5\nshrink = 0.5\nheld = 20\nfree = "5 GB"\n',
    )
    assert found.server.status_token_env == "NEWS_TOKEN"
    assert found.log.format == "json"
    assert found.alarms.has_channel
    assert found.alarms == Alarms(
        webhook="https://ops.example.org/feedpub",
        webhook_secret_env="HOOK",
        mail_to=("desk@example.org",),
        mail_from="feedpub@example.org",
        smtp="smtps://mail.example.org:465",
        smtp_user_env="U",
        smtp_password_env="P",
        stale_after_seconds=21_600,
        failures=5,
        shrink=0.5,
        held=20,
        free_bytes=5_000_000_000,
    )


@pytest.mark.parametrize(
    ("text", "key", "said"),
    [
        ('webhook = "ops.example.org"', "alarms.webhook", "an http or https address"),
        ('mail_to = "desk"', "alarms.mail_to", "an e-mail address"),
        ('mail_to = ["desk@example.org", "a@b\\r\\nBcc: c@d"]', "alarms.mail_to", "an e-mail address"),
        ('smtp = "mail.example.org"', "alarms.smtp", "smtp://"),
        ('webhook_secret_env = "my secret!"', "alarms.webhook_secret_env", "environment variable"),
        ("shrink = 25", "alarms.shrink", "from 0 to 1"),
        ("stale = 3", "alarms.stale", "stale_after"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_right_way(
    tmp_path: Path, text: str, key: str, said: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        config(tmp_path, f"[alarms]\n{text}\n")
    assert caught.value.key == key
    assert said in str(caught.value)
