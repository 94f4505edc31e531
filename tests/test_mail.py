"""Mail over a real SMTP server, and into the outbox."""

import asyncio
import json
import ssl
import stat
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import text

from tests.world import make_world
from voiceera import log
from voiceera.clock import utc_now
from voiceera.config import Settings
from voiceera.errors import ProviderError, StartupError
from voiceera.ids import new_id
from voiceera.providers.mail import Mailer, OutboxMailer, SmtpMailer
from voiceera.rules.mails import MailKind, letter, next_try
from voiceera.services import administrators
from voiceera.services.mail import Postman, mailer, sender
from voiceera.services.passwords import Passwords
from voiceera.store import mails, password_resets
from voiceera.store.base import Database
from voiceera.store.jobs import DueRow
from voiceera.store.password_resets import ResetRequest
from voiceera.worker.jobs import JobRunner
from voiceera.worker.mail import mail_kinds

NOW = datetime(2026, 3, 10, 16, 0, tzinfo=UTC)
TO = "mae@example.com"


class Server:
    """Keeps what it is sent; answers each recipient as it is told to."""

    def __init__(self) -> None:
        self.received: list[Envelope] = []
        self.answer = "250 OK"
        self.logins: list[Any] = []

    async def handle_RCPT(self, _server: Any, _session: Any, envelope: Any, address: str, _options: Any) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.answer

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Envelope) -> str:  # noqa: N802
        self.received.append(envelope)
        return "250 taken"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"open sesame")


@asynccontextmanager
async def served(server: Server, **options: Any) -> AsyncIterator[int]:
    """The port on which it answers."""
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(lambda: SMTP(server, loop=loop, **options), "127.0.0.1", 0)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()
        await listening.wait_closed()


def smtp(port: int, **changes: Any) -> SmtpMailer:
    values = {"host": "127.0.0.1", "port": port, "user": None, "password": None, "tls": "none"}
    return SmtpMailer(**{**values, **changes})


def message() -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "us@example.com", TO, "Hello"
    message.set_content("Hello.")
    return message


@pytest.fixture
def logged(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[dict[str, Any]]]]:
    """What stands in the log by now."""
    log.configure("tests", "INFO", as_json=True)
    yield lambda: [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    log.configure("tests", "CRITICAL")


async def test_a_message_reaches_the_server() -> None:
    server = Server()
    async with served(server) as port:
        await smtp(port).send(message())
    [envelope] = server.received
    assert (envelope.mail_from, envelope.rcpt_tos) == ("us@example.com", [TO])
    assert b"Subject: Hello" in (envelope.content or b"")


@pytest.mark.parametrize(
    ("answer", "permanent"), [("550 no such user mae@example.com", True), ("451 later", False), ("535 no", False)]
)
async def test_what_the_server_refuses_says_whether_another_try_can_help(answer: str, permanent: bool) -> None:
    server = Server()
    server.answer = answer
    async with served(server) as port:
        with pytest.raises(ProviderError) as refused:
            await smtp(port).send(message())
    assert refused.value.permanent is permanent
    assert TO not in f"{refused.value.message}{refused.value.details}"


async def test_a_server_that_is_not_there_can_be_tried_again() -> None:
    async with served(Server()) as port:
        pass
    with pytest.raises(ProviderError) as refused:
        await smtp(port).send(message())
    assert not refused.value.permanent


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
async def test_we_sign_in_and_a_wrong_password_can_be_mended() -> None:
    server = Server()
    async with served(server, authenticator=server.authenticate, auth_required=True, auth_require_tls=False) as port:
        await smtp(port, user="us", password="open sesame").send(message())
        with pytest.raises(ProviderError) as refused:
            await smtp(port, user="us", password="wrong").send(message())
    assert len(server.received) == 1
    assert not refused.value.permanent


async def test_a_password_is_not_shown_to_a_server_without_a_trusted_certificate(tmp_path: Path) -> None:
    server, context = Server(), _self_signed(tmp_path)
    for encryption in (context, None):
        async with served(server, tls_context=encryption, authenticator=server.authenticate) as port:
            with pytest.raises(ProviderError):
                await smtp(port, user="us", password="open sesame", tls="starttls").send(message())
    assert (server.logins, server.received) == ([], [])


async def test_the_outbox_holds_whole_files_for_our_eyes_only_and_the_log_says_where(
    tmp_path: Path, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    outbox = tmp_path / "outbox"
    await asyncio.gather(*(OutboxMailer(outbox).send(message()) for _ in range(5)))
    lines = logged()
    files = list(outbox.iterdir())
    assert [path.suffix for path in files] == [".eml"] * 5
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(outbox.stat().st_mode) == 0o700
    assert {Path(line["path"]).name for line in lines} == {path.name for path in files}
    assert TO not in str(lines)


@pytest.fixture
def settings() -> Settings:
    return Settings(public_url="http://calls.example.com", argon2_memory_kib=64, argon2_passes=1)


@pytest.fixture
async def mail_row(database: Database) -> DueRow:
    """A notice that is due."""
    world = await make_world(database, NOW)
    async with world.scope() as connection:
        await mails.add(connection, world.organization_id, MailKind.ADDRESS_CHANGED, TO, new_id(), NOW)
    async with database.platform() as connection:
        [row] = await mails.due(connection, NOW, 10)
    return row


async def state(database: Database) -> Any:
    async with database.platform() as connection:
        return (await connection.execute(text("SELECT state, recipient, tries, problem FROM mails"))).one()


def postman(database: Database, through: Mailer) -> Postman:
    return Postman(database, Settings(public_url="http://calls.example.com"), through)


async def test_of_many_workers_one_sends(database: Database, mail_row: DueRow) -> None:
    server = Server()
    async with served(server) as port:
        await asyncio.gather(*(postman(database, smtp(port)).deliver(mail_row, NOW) for _ in range(5)))
    assert len(server.received) == 1
    assert tuple(await state(database)) == ("sent", None, 1, None)


async def test_what_cannot_be_sent_now_is_due_again_and_what_never_can_is_not(
    database: Database, mail_row: DueRow, logged: Callable[[], list[dict[str, Any]]]
) -> None:
    server = Server()
    server.answer = "451 later"
    async with served(server) as port:
        await postman(database, smtp(port)).deliver(mail_row, NOW)
        assert tuple(await state(database))[:3] == ("due", TO, 1)
        server.answer = "550 no such user mae@example.com"
        await postman(database, smtp(port)).deliver(mail_row, NOW + timedelta(days=300))
    assert tuple(await state(database)) == ("failed", None, 2, "answered 550")
    lines = [line for line in logged() if line["event"] == "mail_not_sent"]
    assert [line["problem"] for line in lines] == ["answered 451", "answered 550"]
    assert TO not in str(lines)


async def test_a_worker_that_died_leaves_the_mail_to_another(database: Database, mail_row: DueRow) -> None:
    async with database.organization(mail_row.organization_id) as connection:
        later = NOW + timedelta(minutes=2)
        assert await mails.claim(connection, mail_row.organization_id, mail_row.row_id, NOW, later)
    server = Server()
    async with served(server) as port:
        await postman(database, smtp(port)).deliver(mail_row, NOW + timedelta(minutes=1))
        assert server.received == []
        await postman(database, smtp(port)).deliver(mail_row, later)
    assert len(server.received) == 1


class Watched:
    """Sends as another mailer does, and says when."""

    def __init__(self, through: Mailer) -> None:
        self.through = through
        self.sent: asyncio.Queue[EmailMessage] = asyncio.Queue()

    async def send(self, message: EmailMessage) -> None:
        await self.through.send(message)
        self.sent.put_nowait(message)


async def test_a_running_worker_is_woken_by_a_request_and_sends(
    database: Database, tmp_path: Path, settings: Settings
) -> None:
    passwords = Passwords(settings)
    await administrators.create(database, passwords, TO, "correct horse battery", utc_now())
    passwords.close()
    watched, stop = Watched(OutboxMailer(tmp_path / "outbox")), asyncio.Event()
    runner = JobRunner(database, mail_kinds(database, settings, watched))
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(runner.run(stop))
        async with database.platform() as connection:
            await password_resets.ask(connection, ResetRequest(TO, None, None), utc_now())
        sent = await watched.sent.get()
        stop.set()
    assert sent["To"] == TO
    assert len(list((tmp_path / "outbox").glob("*.eml"))) == 1


def test_tries_go_on_for_as_long_as_the_mail_is_of_use() -> None:
    def tries(kind: MailKind) -> list[timedelta]:
        times: list[timedelta] = []
        now = NOW
        while (then := next_try(kind, NOW, len(times) + 1, now)) is not None:
            times.append(then - now)
            now = then
        return times

    assert tries(MailKind.PASSWORD_RESET) == [timedelta(minutes=minutes) for minutes in (1, 5, 15)]
    assert len(tries(MailKind.INVITATION)) == 21
    assert sum(tries(MailKind.PASSWORD_CHANGED), timedelta()) <= timedelta(days=1)


def test_what_people_call_themselves_stays_on_its_line() -> None:
    said = letter(MailKind.INVITATION, {"organization": "A\n\nB {link}", "link": "http://x", "expires": "soon"})
    assert said.text.startswith("A B {link} invites you")


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        ({"public_url": "https://calls.example.com:8443"}, "no-reply@calls.example.com"),
        ({"public_url": "http://10.0.0.1:8000"}, "no-reply@localhost"),
        ({"mail_from": "Acme <calls@example.com>"}, "calls@example.com"),
    ],
)
def test_mail_is_from_the_address_that_is_set(settings: dict[str, str], address: str) -> None:
    assert sender(Settings(**settings)).addr_spec == address  # type: ignore[arg-type]


def test_a_sender_that_is_no_address_is_said_at_the_start() -> None:
    with pytest.raises(StartupError, match="VOICEERA_MAIL_FROM"):
        sender(Settings(mail_from="nobody"))


def test_a_server_that_is_set_is_used_and_its_password_not_shown() -> None:
    made = mailer(Settings(smtp_host="mail.example.com", smtp_password="open sesame"))
    assert isinstance(made, SmtpMailer)
    assert "sesame" not in repr(made)


def _self_signed(directory: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2100, 1, 1, tzinfo=UTC))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = directory / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context
