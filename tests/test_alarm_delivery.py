"""Alarms arrive: at a webhook, signed, and as mail; what refuses them costs nothing but a line in the log."""

from __future__ import annotations

import contextlib
import email
import email.policy
import hashlib
import hmac
import io
import json
import logging
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from feedpub import alarms, cli, observing
from feedpub.alarms import mail, watching, webhook
from feedpub.config import Alarms, Config, Site
from feedpub.serving import following
from feedpub.serving.app import Front, build_app
from tests import isolation
from tests.articles import markdown
from tests.conftest import NOW, Newsroom

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@dataclass
class Hook:
    """A webhook on loopback: what it got, and with what it answers."""

    url: str = ""
    status: int = 204
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]


@pytest.fixture
def hook() -> Iterator[Hook]:
    found = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.got.append((dict(self.headers), body))
            self.send_response(found.status)
            self.send_header("Location", "http://192.0.2.1/")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found.url = f"http://127.0.0.1:{server.server_port}/hook/s3cret-path"
    yield found
    server.shutdown()
    server.server_close()


class Box:
    """What a mail server took."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[list[str]] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.refusal: str | None = None
        self.unknown: set[str] = set()

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if address in self.unknown:
            return "550 5.1.1 No such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.refusal is not None:
            return self.refusal
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        self.mails.append(message)
        self.recipients.append(envelope.rcpt_tos)
        return "250 OK"

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"geheim", handled=False)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def smtp(box: Box) -> Iterator[str]:
    controller = Controller(box, hostname="127.0.0.1", port=free_port())
    controller.start()
    yield f"smtp://127.0.0.1:{controller.port}"
    controller.stop()


def failing(newsroom: Newsroom, **channels: Any) -> None:
    """A newsroom whose only source has gone away, found an hour later; nobody has a daemon."""
    newsroom.configure(
        alarms=Alarms(free_bytes=0, **channels), site=Site(title="Harbour Post", url="https://h.example/")
    )
    newsroom.write("one.md", markdown())
    newsroom.publish(now=NOW - HOUR)
    newsroom.articles.rename(newsroom.root / "elsewhere")
    newsroom.publish(now=NOW)


def mend(newsroom: Newsroom, hours: int) -> None:
    (newsroom.root / "elsewhere").rename(newsroom.articles)
    newsroom.publish(now=NOW + hours * HOUR)


def test_a_webhook_gets_what_began_lasts_and_is_over(newsroom: Newsroom, hook: Hook) -> None:
    failing(newsroom, webhook=hook.url)
    for hours in (0, 1, 23, 24):
        alarms.deliver(newsroom.config, NOW + hours * HOUR)
    mend(newsroom, 25)
    for hours in (25, 26, 27):
        alarms.deliver(newsroom.config, NOW + hours * HOUR)
    told = [
        (body["sent_at"], alarm["state"], alarm["key"]) for body in hook.bodies() for alarm in body["alarms"]
    ]
    assert told == [
        ("2025-09-03T08:00:00Z", "begun", "source-failing:articles"),
        ("2025-09-04T08:00:00Z", "reminder", "source-failing:articles"),
        ("2025-09-04T10:00:00Z", "over", "source-failing:articles"),
    ]
    first, _, last = hook.bodies()
    assert (first["newsroom"], first["url"]) == ("Harbour Post", "https://h.example/")
    assert first["text"].startswith(
        "[Harbour Post] New: The source articles is failing; last read 1 hour ago: "
    )
    assert last["alarms"][0]["over_at"] == "2025-09-04T09:00:00Z"
    assert "it lasted 25 hours" in last["text"]


def test_a_secret_signs_the_body_and_without_one_nothing_is_signed(
    newsroom: Newsroom, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.configure(alarms=Alarms(webhook=hook.url, webhook_secret_env="NEWS_HOOK"))
    alarms.test(newsroom.config, NOW)
    monkeypatch.setenv("NEWS_HOOK", "schlüssel")
    alarms.test(newsroom.config, NOW)
    (unsigned, _), (signed, body) = hook.got
    assert "X-Feedpub-Signature" not in unsigned
    expected = hmac.new("schlüssel".encode(), body, hashlib.sha256).hexdigest()
    assert signed["X-Feedpub-Signature"] == f"sha256={expected}"
    assert signed["Content-Type"] == "application/json"


def test_the_signature_is_that_of_the_test_cases_of_rfc_4231() -> None:
    from feedpub.alarms.webhook import signature

    assert signature("Jefe", b"what do ya want for nothing?") == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )


def test_people_get_a_mail_that_says_what_is_wrong_and_what_to_do(
    newsroom: Newsroom, smtp: str, box: Box
) -> None:
    failing(
        newsroom, mail_to=("desk@example.org", "ops@example.org"), mail_from="feedpub@h.example", smtp=smtp
    )
    (outcome,) = alarms.deliver(newsroom.config, NOW)
    assert outcome.failure is None
    (mail_,) = box.mails
    assert box.recipients == [["desk@example.org", "ops@example.org"]]
    assert (mail_["From"], mail_["To"]) == ("feedpub@h.example", "desk@example.org, ops@example.org")
    assert mail_["Subject"].startswith(
        "[Harbour Post] New: The source articles is failing; last read 1 hour ago"
    )
    assert mail_["Date"] == "Wed, 03 Sep 2025 08:00:00 +0000"
    assert mail_["Auto-Submitted"] == "auto-generated"
    text = mail_.get_content()
    assert "- The source articles is failing; last read 1 hour ago: " in text
    assert "Make it readable again." in text
    assert "https://h.example/" in text


def test_a_title_and_a_message_with_line_breaks_add_no_header(
    newsroom: Newsroom, smtp: str, box: Box
) -> None:
    newsroom.configure(
        alarms=Alarms(mail_to=("desk@example.org",), smtp=smtp),
        site=Site(title="Post\r\nBcc: victim@example.org\u2028", url="https://h.example/"),
    )
    assert alarms.test(newsroom.config, NOW)[0].failure is None
    assert box.recipients == [["desk@example.org"]]
    assert box.mails[0]["Bcc"] is None
    assert box.mails[0]["From"] == "desk@example.org"


def test_what_one_channel_refuses_the_other_gets_and_the_first_is_tried_again(
    newsroom: Newsroom, hook: Hook, smtp: str, box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    failing(newsroom, webhook=hook.url, mail_to=("desk@example.org",), smtp=smtp)
    hook.status, box.refusal = 503, "452 4.2.2 Mailbox full"
    with caplog.at_level(logging.INFO, "feedpub.alarms"):
        refused = alarms.deliver(newsroom.config, NOW)
        box.refusal = None
        assert alarms.deliver(newsroom.config, NOW + timedelta(seconds=30)) == []  # both rest for a minute
        second = alarms.deliver(newsroom.config, NOW + timedelta(minutes=1))
        hook.status = 200
        third = alarms.deliver(newsroom.config, NOW + timedelta(minutes=3))
    assert [(one.channel, one.failure) for one in refused] == [
        ("webhook", "the webhook answered with status 503"),
        ("mail", "the mail server did not take the message (452 4.2.2 Mailbox full)"),
    ]
    assert [(one.channel, one.failure is None) for one in second] == [("webhook", False), ("mail", True)]
    assert [(one.channel, one.failure is None) for one in third] == [("webhook", True)]
    assert len(box.mails) == 1
    assert "alarms not told  channel=webhook failures=1" in caplog.text
    assert "s3cret-path" not in caplog.text


@pytest.mark.parametrize("status", [301, 307, 404, 500])
def test_only_a_status_of_success_counts_and_no_redirection_is_followed(
    newsroom: Newsroom, hook: Hook, status: int
) -> None:
    newsroom.configure(alarms=Alarms(webhook=hook.url))
    hook.status = status
    assert alarms.test(newsroom.config, NOW)[0].failure == f"the webhook answered with status {status}"


def test_where_nobody_listens_that_is_said_without_the_address(newsroom: Newsroom) -> None:
    nobody = free_port()
    newsroom.configure(
        alarms=Alarms(
            webhook=f"http://127.0.0.1:{nobody}/s3cret",
            mail_to=("a@example.org",),
            smtp=f"smtp://127.0.0.1:{nobody}",
        )
    )
    webhook, mail_ = alarms.test(newsroom.config, NOW)
    assert "cannot be reached" in (webhook.failure or "")
    assert "s3cret" not in (webhook.failure or "")
    assert "did not take" in (mail_.failure or "")


def test_a_webhook_and_a_mail_server_that_hang_are_given_up_and_tried_again(
    newsroom: Newsroom, smtp: str, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhook, "TIMEOUT_SECONDS", 0.2)
    monkeypatch.setattr(mail, "TIMEOUT_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and says nothing
        port = silent.getsockname()[1]
        channels = {"webhook": f"http://127.0.0.1:{port}/s3cret", "mail_to": ("desk@example.org",)}
        failing(newsroom, **channels, smtp=f"smtp://127.0.0.1:{port}")
        outcomes = alarms.deliver(newsroom.config, NOW)
        assert [(one.channel, one.failure is None) for one in outcomes] == [
            ("webhook", False), ("mail", False),
        ]  # fmt: skip
        assert "s3cret" not in (outcomes[0].failure or "")
        newsroom.configure(alarms=replace(newsroom.config.alarms, smtp=smtp))
        outcomes = alarms.deliver(newsroom.config, NOW + timedelta(minutes=1))
    assert [(one.channel, one.failure is None) for one in outcomes] == [("webhook", False), ("mail", True)]
    assert len(box.mails) == 1


def test_one_address_that_does_not_exist_does_not_bring_the_others_the_message_again_and_again(
    newsroom: Newsroom, smtp: str, box: Box, caplog: pytest.LogCaptureFixture
) -> None:
    failing(newsroom, mail_to=("desk@example.org", "left@example.org"), smtp=smtp)
    box.unknown = {"left@example.org"}
    for minutes in range(0, 200, 20):
        alarms.deliver(newsroom.config, NOW + timedelta(minutes=minutes))
    assert box.recipients == [["desk@example.org"]]
    assert "mail not taken for some  refused=left@example.org" in caplog.text


def certificate(folder: Path) -> tuple[Path, Path]:
    """A certificate for localhost and its key."""
    paths = folder / "certificate.pem", folder / "key.pem"
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "3650",
        "-subj",
        "/CN=localhost",
    ]
    command += [
        "-addext",
        "subjectAltName=DNS:localhost,IP:127.0.0.1",
        "-out",
        str(paths[0]),
        "-keyout",
        str(paths[1]),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return paths


@pytest.mark.tool("openssl")
@pytest.mark.parametrize("known", [True, False], ids=["known certificate", "unknown certificate"])
def test_a_mail_server_elsewhere_gets_the_login_over_tls_and_only_with_a_known_certificate(
    newsroom: Newsroom, box: Box, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, known: bool
) -> None:
    public, key = certificate(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(public, key)
    controller = Controller(
        box, hostname="127.0.0.1", port=free_port(), tls_context=context, require_starttls=True,
        authenticator=box.authenticate, auth_required=True,
    )  # fmt: skip
    controller.start()
    monkeypatch.setattr(mail, "is_this_machine", lambda host: False)
    if known:
        monkeypatch.setenv("SSL_CERT_FILE", str(public))
    monkeypatch.setenv("FEEDPUB_SMTP_USER", "feedpub")
    monkeypatch.setenv("FEEDPUB_SMTP_PASSWORD", "geheim")
    newsroom.configure(alarms=Alarms(mail_to=("a@example.org",), smtp=f"smtp://127.0.0.1:{controller.port}"))
    try:
        first = alarms.test(newsroom.config, NOW)[0].failure
        monkeypatch.setenv("FEEDPUB_SMTP_PASSWORD", "falsch-geraten")
        second = alarms.test(newsroom.config, NOW)[0].failure
    finally:
        controller.stop()
    if known:
        assert first is None
        assert box.logins[0] == (b"feedpub", b"geheim")
        assert set(box.logins[1:]) == {(b"feedpub", b"falsch-geraten")}
        assert "the login was refused" in (second or "")
        assert "falsch" not in (second or "")
        assert len(box.mails) == 1
    else:
        assert "certificate verify failed" in (first or "").lower()
        assert (box.logins, box.mails) == ([], [])


def test_nothing_goes_in_the_open_to_a_mail_server_elsewhere(
    newsroom: Newsroom, smtp: str, box: Box, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "is_this_machine", lambda host: False)
    newsroom.configure(alarms=Alarms(mail_to=("a@example.org",), smtp=smtp))
    assert "STARTTLS" in (alarms.test(newsroom.config, NOW)[0].failure or "")
    assert box.mails == []


# The daemon's call


def wait_for(condition: Any) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_watching_returns_at_once_and_tells_from_a_thread_of_its_own(newsroom: Newsroom, hook: Hook) -> None:
    failing(newsroom, webhook=hook.url)
    alarms.watch(newsroom.config, NOW)
    wait_for(lambda: hook.got)
    wait_for(lambda: not watching._at_work.locked())
    alarms.watch(newsroom.config, NOW + timedelta(seconds=9))
    assert not watching._at_work.locked()  # too soon for another look
    alarms.watch(newsroom.config, NOW + timedelta(minutes=1))
    wait_for(lambda: not watching._at_work.locked())
    assert len(hook.got) == 1


def test_watching_does_nothing_where_nobody_is_to_be_told(newsroom: Newsroom) -> None:
    alarms.watch(newsroom.config, NOW)
    assert not newsroom.config.state.exists()


def test_whatever_fails_while_watching_is_a_line_in_the_log(
    newsroom: Newsroom, hook: Hook, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.configure(alarms=Alarms(webhook=hook.url))

    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(observing, "observe", broken)
    alarms.watch(newsroom.config, NOW)
    wait_for(lambda: not watching._at_work.locked())
    assert "alarms not looked at" in caplog.text


@pytest.mark.parametrize("how", ["full", "read-only"])
def test_a_disk_on_which_nothing_can_be_written_is_told_of_once_all_the_same(
    newsroom: Newsroom, hook: Hook, how: str
) -> None:
    """Store, output and what was told lie on it."""
    newsroom.write("one.md", markdown())
    disk = newsroom.root / "disk"
    disk.mkdir()

    def tell() -> int:
        isolation.own_mounts()
        isolation.mount_small_disk(str(disk), 800)
        newsroom.configure(
            state=disk / "state", publish=replace(newsroom.config.publish, output=disk / "feeds"),
            alarms=Alarms(webhook=hook.url, free_bytes=50_000),
        )  # fmt: skip
        newsroom.publish(now=NOW)
        assert alarms.deliver(newsroom.config, NOW) == []
        with (disk / "ballast").open("wb", buffering=0) as ballast, contextlib.suppress(OSError):
            while True:
                ballast.write(bytes(4096))
        if how == "read-only":
            isolation.mount_read_only(str(disk))
        for minutes in (1, 2, 3):
            alarms.deliver(newsroom.config, NOW + timedelta(minutes=minutes))
        assert not list((disk / "state").glob("alarms.json*"))
        if how == "read-only":
            isolation.unmount(str(disk))
        (disk / "ballast").unlink()
        for minutes in (4, 10, 11):
            alarms.deliver(newsroom.config, NOW + timedelta(minutes=minutes))
        newsroom.write("two.md", markdown("Another one"))
        report = newsroom.publish(now=NOW + HOUR)
        return len(report.sources[0].failure or "")

    assert isolation.in_child(tell) == 0
    told = [(alarm["state"], alarm["key"]) for body in hook.bodies() for alarm in body["alarms"]]
    assert told == [("begun", "disk-filling:disk"), ("over", "disk-filling:disk")]


def test_two_processes_tell_an_alarm_once(newsroom: Newsroom, hook: Hook) -> None:
    failing(newsroom, webhook=hook.url)
    with watching._alone(newsroom.config) as alone:
        assert alone
        assert alarms.deliver(newsroom.config, NOW) == []
    assert len(alarms.deliver(newsroom.config, NOW)) == 1


# The command


def run(newsroom: Newsroom, text: str, *arguments: str) -> tuple[int, str, str]:
    path = newsroom.root / "feedpub.toml"
    path.write_text(f'[sources.articles]\npath = "articles"\n[alarms]\nfree = 1\n{text}\n')
    out, err = io.StringIO(), io.StringIO()
    code = cli.run(["alarms", "--config", str(path), *arguments], out, err)
    return code, out.getvalue(), err.getvalue()


def test_the_command_lists_what_is_wrong_now_and_its_exit_code_says_whether_anything_is(
    newsroom: Newsroom,
) -> None:
    assert run(newsroom, "")[:2] == (0, "Nothing is wrong.\n")
    newsroom.write("one.md", markdown())
    newsroom.publish(now=NOW)  # long ago
    code, out, _ = run(newsroom, "")
    assert code == 1
    assert out.startswith("source-stale: The source articles was not read for ")
    code, out, _ = run(newsroom, "", "--json")
    assert code == 1
    (found,) = json.loads(out)["alarms"]
    assert (found["key"], found["subject"]) == ("source-stale:articles", "articles")


def test_the_command_tests_every_channel_and_says_what_happened(
    newsroom: Newsroom, hook: Hook, smtp: str, box: Box
) -> None:
    text = f'webhook = "{hook.url}"\nmail_to = "desk@example.org"\nsmtp = "{smtp}"'
    assert run(newsroom, text, "--test")[:2] == (
        0,
        "webhook: the message was taken\nmail: the message was taken\n",
    )
    assert box.mails[0]["Subject"] == "[News] Test: This is a test: nothing is wrong."
    hook.status = 500
    code, out, _ = run(newsroom, text, "--test", "--json")
    assert code == 1
    assert json.loads(out) == {
        "channels": [
            {"channel": "webhook", "failure": "the webhook answered with status 500"},
            {"channel": "mail", "failure": None},
        ]
    }
    code, _, err = run(newsroom, "", "--test")
    assert code == 2
    assert "alarms.webhook" in err


def test_the_command_can_tell_what_is_new_as_the_daemon_does(newsroom: Newsroom, hook: Hook) -> None:
    newsroom.write("one.md", markdown())
    newsroom.publish(now=NOW)
    text = f'webhook = "{hook.url}"'
    assert run(newsroom, text, "--send")[0] == 1
    assert run(newsroom, text, "--send")[0] == 1
    assert [body["alarms"][0]["state"] for body in hook.bodies()] == ["begun"]


def test_the_server_tells_of_it_too_since_the_daemon_may_be_gone(
    newsroom: Newsroom, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    newsroom.write("one.md", markdown())
    newsroom.publish(now=NOW)
    newsroom.configure(alarms=Alarms(webhook=hook.url))
    monkeypatch.setattr(following, "ALARMS_SECONDS", 0.01)

    def made(config: Config) -> Front:
        return build_app(config.publish.output)

    follower = following.Follower(newsroom.config, made(newsroom.config), made)
    follower.start()
    end = time.monotonic() + 20
    while not hook.got and time.monotonic() < end:
        time.sleep(0.02)
    follower.stop()
    assert [body["alarms"][0]["state"] for body in hook.bodies()] == ["begun"]
