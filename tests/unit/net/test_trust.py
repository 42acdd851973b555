"""The system's certificates are believed, a company's among them; there is no way to believe more."""

from __future__ import annotations

import ssl
import subprocess
import sys
from pathlib import Path

import certifi
import pytest
import trustme

from klingstudio.net import trust
from klingstudio.net.trust import tls, trusting_the_system


@pytest.mark.parametrize("platform", ["linux", "win32", "darwin"])
def test_certificates_and_names_are_always_checked(platform: str) -> None:
    context = trusting_the_system(platform)

    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize("platform", ["linux", "win32"])
def test_no_secret_of_a_session_is_written_where_a_variable_says(
    platform: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "secrets"))

    assert trusting_the_system(platform).keylog_filename is None
    # The usual way would: this is what the rule is for.
    assert ssl.create_default_context().keylog_filename is not None


def test_a_companys_own_authority_is_believed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "company.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "company.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))

    assert len(trusting_the_system("linux").get_ca_certs()) == 1


def test_a_bundle_that_openssl_does_not_know_of_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "distribution.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "none.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    monkeypatch.setattr(trust, "_BUNDLES", (str(tmp_path / "missing.pem"), str(tmp_path / "distribution.pem")))

    assert len(trusting_the_system("linux").get_ca_certs()) == 1


@pytest.mark.parametrize("content", [None, b"", b"no certificate at all"])
def test_where_the_system_believes_nobody_the_programs_own_list_is_used(
    content: bytes | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if content is not None:
        (tmp_path / "empty.pem").write_bytes(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "empty.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path / "none"))
    monkeypatch.setattr(trust, "_BUNDLES", ())
    own = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    own.load_verify_locations(cafile=certifi.where())

    assert len(trusting_the_system("linux").get_ca_certs()) == len(own.get_ca_certs())


async def test_there_is_one_for_all() -> None:
    assert await tls() is await tls()


def test_neither_list_nor_store_is_loaded_before_it_is_needed() -> None:
    code = "import sys, klingstudio.net.api; print([m for m in ('truststore', 'certifi') if m in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()

    # httpx itself brings certifi.
    assert loaded in ("[]", "['certifi']")
