"""Which certificates are believed: those that the system believes, a company's own among them. Always checked."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import sys
from functools import lru_cache
from pathlib import Path

_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/ca-bundle.pem",
)
"""Where Linux systems keep theirs, for an OpenSSL that came with Python and does not know it."""


async def tls() -> ssl.SSLContext:
    """The one TLS context. It takes a while the first time, so it is made on a thread and shared by every client."""
    return await asyncio.to_thread(_tls)


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return trusting_the_system(sys.platform)


def trusting_the_system(platform: str) -> ssl.SSLContext:
    """TLS 1.2 or newer; certificate and host name are checked.

    Not `ssl.create_default_context`: it would write every session's secrets where SSLKEYLOGFILE says.
    """
    context = _asking_the_system() if platform in ("win32", "darwin") else _with_the_systems_file()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _asking_the_system() -> ssl.SSLContext:
    import truststore

    return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _with_the_systems_file() -> ssl.SSLContext:
    # truststore does the same on Linux, but reads the file anew for each connection: 20 ms of the event loop.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    with contextlib.suppress(OSError):
        # From where the system's OpenSSL, SSL_CERT_FILE or SSL_CERT_DIR says.
        context.load_default_certs()
    if not _has_any(context):
        _load_first(context, _BUNDLES)
    if not _has_any(context):
        import certifi

        context.load_verify_locations(cafile=certifi.where())
    return context


def _has_any(context: ssl.SSLContext) -> bool:
    if context.cert_store_stats()["x509_ca"]:
        return True
    # Certificates of a folder are read when they are needed, and not counted before.
    folder = ssl.get_default_verify_paths().capath
    return bool(folder) and any(Path(str(folder)).glob("*.[0-9]"))


def _load_first(context: ssl.SSLContext, bundles: tuple[str, ...]) -> None:
    for bundle in bundles:
        with contextlib.suppress(OSError):
            context.load_verify_locations(cafile=bundle)
            return
