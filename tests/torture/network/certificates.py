"""Servers whose certificate is not to be believed: nothing is asked of them, and an order counts as not sent."""

from __future__ import annotations

import asyncio
import os
import ssl
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from klingstudio.domain.errors import Kind, NetworkProblem, StudioError
from klingstudio.net.api import Api, Deadlines
from klingstudio.net.download import Download
from klingstudio.net.retry import Patience
from klingstudio.net.trust import trusting_the_system
from klingstudio.net.upload import upload_bytes
from tests.fakes.services import key_of

FILM = b"\0\0\0\x18ftypisom" + bytes(2000)


@dataclass(frozen=True, slots=True)
class Server:
    """What a server shows, and what must be said of it."""

    name: str
    says: Kind | None
    """None: nothing is wrong with it."""
    names: tuple[str, ...] = ("localhost", "127.0.0.1")
    is_known: bool = True
    ends: timedelta = timedelta(days=30)
    is_old: bool = False
    """It speaks nothing newer than TLS 1.1."""
    is_cut: bool = False
    is_self_signed: bool = False


SERVERS = (
    Server("good", None),
    Server("wrong host", Kind.CERTIFICATE_REFUSED, names=("elsewhere.example",)),
    Server("expired", Kind.CERTIFICATE_REFUSED, ends=timedelta(days=-1)),
    Server("unknown authority", Kind.CERTIFICATE_REFUSED, is_known=False),
    Server("self-signed", Kind.CERTIFICATE_REFUSED, is_known=False, is_self_signed=True),
    Server("TLS 1.1", Kind.NETWORK_DOWN, is_old=True),
    Server("handshake cut", Kind.NETWORK_DOWN, is_cut=True),
)


@dataclass(slots=True)
class Tally:
    """What came of it."""

    calls: int = 0
    wrong: list[str] = field(default_factory=list)


Call = Callable[[Api, str, Path], Awaitable[object]]

CALLS: dict[str, Call] = {
    "order": lambda api, url, folder: api.order("/order", "{}"),
    "get": lambda api, url, folder: api.get("/get"),
    "upload": lambda api, url, folder: upload_bytes(
        api, "PUT", "/put", folder / "film.mp4", headers={}, on_bytes=lambda done, total: None
    ),
    "look without a key": lambda api, url, folder: api.head_without_key("/head"),
    "signed address": lambda api, url, folder: api.elsewhere(f"{url}/signed")[0].get("/signed"),
    "events": lambda api, url, folder: _first(api.listen("/events")),
}


async def _first(events: AsyncIterator[object]) -> object:
    async for event in events:
        return event
    return None


async def meet_servers(folder: Path, platforms: tuple[str, ...] = ("linux", "win32")) -> Tally:
    """Every kind of call to every kind of server, by what each system has for the check of certificates."""
    tally = Tally()
    (folder / "film.mp4").write_bytes(FILM)
    known, unknown = trustme.CA(), trustme.CA()
    known.cert_pem.write_to_path(str(folder / "known.pem"))
    with _believing(folder / "known.pem"):
        for platform in platforms:
            tls = trusting_the_system(platform)
            for server in SERVERS:
                authority = known if server.is_known else unknown
                async with _serving(server, authority) as (url, asked):
                    for name, call in CALLS.items():
                        place = f"{platform}, {server.name}, {name}"
                        await _meet_one(place, server, call, url, folder, tls, tally)
                    await _download(f"{platform}, {server.name}", server, url, folder, tls, tally)
                if server.says is not None and asked:
                    tally.wrong.append(f"{platform}, {server.name}: it was asked {asked}")
    return tally


async def _meet_one(
    place: str, server: Server, call: Call, url: str, folder: Path, tls: ssl.SSLContext, tally: Tally
) -> None:
    tally.calls += 1
    api = Api(
        hosts={"api": url},
        headers={"Authorization": f"Bearer {key_of('certificates')}"},
        tls=tls,
        patience=Patience(sleep=asyncio.sleep, random=lambda: 0.0, tries=1),
        deadlines=Deadlines(reply_s=10, order_s=10, stall_s=10),
    )
    try:
        await call(api, url, folder)
        said = None
    except NetworkProblem as error:
        said = error.problem.kind
    except StudioError as error:
        said = error.problem.kind if server.says is not None else None
    finally:
        await api.aclose()
    if said is not server.says:
        tally.wrong.append(f"{place}: {said}, not {server.says}")


async def _download(place: str, server: Server, url: str, folder: Path, tls: ssl.SSLContext, tally: Tally) -> None:
    tally.calls += 1
    part = folder / "take.part"
    said = None
    try:
        await Download(part, tls=tls, allow_loopback=True).fetch(f"{url}/film", lambda done, total: None)
    except StudioError as error:
        said = error.problem.kind
    if said is not server.says or (said is None) != Download.is_complete(part):
        tally.wrong.append(f"{place}, download: {said}, not {server.says}")
    Download.discard(part)


@contextmanager
def _believing(authority: Path) -> Iterator[None]:
    """As where a company has put its own authority into the system's store."""
    before = os.environ.get("SSL_CERT_FILE")
    os.environ["SSL_CERT_FILE"] = str(authority)
    try:
        yield
    finally:
        if before is None:
            del os.environ["SSL_CERT_FILE"]
        else:
            os.environ["SSL_CERT_FILE"] = before


@asynccontextmanager
async def _serving(server: Server, authority: trustme.CA) -> AsyncIterator[tuple[str, list[str]]]:
    """Its address, and what it was asked."""
    asked: list[str] = []
    busy: set[asyncio.Task[object]] = set()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        busy.add(task)
        try:
            if server.is_cut:
                await reader.read(50)
                return
            head = await reader.readuntil(b"\r\n\r\n")
            asked.append(head.split(b"\r\n")[0].decode("latin-1"))
            size = next(
                (int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line), 0
            )
            await reader.readexactly(size)
            body = b"" if head.startswith(b"HEAD") else FILM
            writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(FILM) + body)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            busy.discard(task)

    context = None if server.is_cut else _context(server, authority)
    listening = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    try:
        yield f"https://localhost:{listening.sockets[0].getsockname()[1]}", asked
    finally:
        listening.close()
        for task in busy:
            task.cancel()
        await asyncio.gather(*busy, return_exceptions=True)


def _context(server: Server, authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    now = datetime.now(UTC)
    begins = now - timedelta(days=60)
    if server.is_self_signed:
        _show_self_signed(context, server, begins, now + server.ends)
    else:
        issued = authority.issue_cert(*server.names, not_before=begins, not_after=now + server.ends)
        issued.configure_cert(context)
    if server.is_old:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():
            # Python warns of it, and rightly: this server is out of date on purpose.
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def _show_self_signed(context: ssl.SSLContext, server: Server, begins: datetime, ends: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, server.names[0])])
    names = x509.SubjectAlternativeName([x509.DNSName(server.names[0])])
    builder = x509.CertificateBuilder(name, name, key.public_key(), 1, begins, ends).add_extension(
        names, critical=False
    )
    signed = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    trustme.LeafCert(secret, signed, []).configure_cert(context)
