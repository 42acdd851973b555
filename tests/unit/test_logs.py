from __future__ import annotations

import asyncio
import base64
import faulthandler
import logging
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from klingstudio import logs
from klingstudio.logs import about_job, redact
from tests.torture.secrets import scan_bytes

log = logging.getLogger("klingstudio.tests")
SECRET = "sk-5ecret-9f8e7d6c5b4a39281706"


@pytest.fixture
def log_file(tmp_path: Path) -> Iterator[Path]:
    end = logs.start(tmp_path / "logs")
    yield tmp_path / "logs" / "klingstudio.log"
    end()


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"authorization: Key {SECRET}",
        f"{{'authorization': 'Bearer {SECRET}'}}",
        f"[(b'authorization', b'Bearer {SECRET}')]".replace("', b'", "': b'"),
        f'{{"x-api-key": "{SECRET}"}}',
        f"X-API-Key={SECRET}",
        f"OXEN_API_KEY={SECRET} klingstudio demo",
        f"FAL_KEY={SECRET}",
        f"sent with Bearer {SECRET}, refused",
        f"Cookie: {SECRET}",
        f"GET https://cdn.example/take.mp4?X-Amz-Signature={SECRET}&x=1",
        f"(https://cdn.example/take.mp4?sig={SECRET})",
        f"https://anna:{SECRET}@host.example/path",
    ],
)
def test_a_secret_is_masked_in_every_shape_it_travels_in(text: str) -> None:
    assert SECRET not in redact(text)
    assert "***" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "uploaded clip.mp4, 1204332 bytes in 2.1 s",
        "POST https://hub.example/api/ai/queue answered 202",
        "the token @Image1 has no picture",
        "the key is kept for this session only",
        "which way? left",
        "moved C:\\clips\\a b.mp4",
    ],
)
def test_what_is_no_secret_stays_readable(text: str) -> None:
    assert redact(text) == text


def test_an_address_keeps_the_part_that_helps() -> None:
    assert redact("GET https://a.example/take.mp4?sig=abc failed") == "GET https://a.example/take.mp4?*** failed"


def test_a_concealed_key_is_masked_even_in_a_sentence_of_the_provider() -> None:
    logs.conceal("very-unusual-key-0815")

    assert redact('{"error": "very-unusual-key-0815 is not known here"}') == '{"error": "*** is not known here"}'


def test_a_line_has_its_time_its_place_and_its_job(log_file: Path) -> None:
    with about_job("8f3a"):
        log.info("uploaded %s", "clip.mp4")
    log.info("idle")

    first, second = log_file.read_text("utf-8").splitlines()
    assert re.fullmatch(
        r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z INFO    klingstudio\.tests \[job 8f3a\] uploaded clip\.mp4", first
    )
    assert second.endswith("klingstudio.tests idle")


async def test_tasks_that_run_at_the_same_time_keep_their_jobs_apart(log_file: Path) -> None:
    async def work(job: str) -> None:
        with about_job(job):
            for step in range(3):
                log.info("step %d of %s", step, job)
                await asyncio.sleep(0)

    await asyncio.gather(work("aaaa"), work("bbbb"))

    lines = log_file.read_text("utf-8").splitlines()
    assert len(lines) == 6
    assert all(f"[job {line[-4:]}]" in line for line in lines)


@pytest.mark.log_ok
def test_neither_arguments_nor_tracebacks_carry_a_secret_into_the_file(log_file: Path) -> None:
    try:
        raise ValueError(f"refused: Authorization: Bearer {SECRET}")
    except ValueError:
        log.exception("asked %s with %s", f"https://a.example/x?key={SECRET}", {"x-api-key": SECRET})

    text = log_file.read_text("utf-8")
    assert "ValueError: refused" in text
    assert SECRET not in text


def test_a_line_with_wrong_arguments_is_still_a_line(log_file: Path) -> None:
    log.info("%d frames", "no number")

    assert "arguments do not fit" in log_file.read_text("utf-8")


def test_the_chatter_of_the_http_library_stays_out(log_file: Path) -> None:
    for name in ("httpx", "httpcore", "httpcore.http11"):
        logging.getLogger(name).info("HTTP Request: GET https://a.example")
    log.info("ours")

    assert len(log_file.read_text("utf-8").splitlines()) == 1


def test_half_a_surrogate_in_a_file_name_does_not_stop_the_log(log_file: Path) -> None:
    log.info("opened %s", "clip\udcff.mp4")

    assert "opened clip\\udcff.mp4" in log_file.read_text("utf-8")


def test_a_full_file_is_turned_over_and_five_are_kept(tmp_path: Path) -> None:
    end = logs.start(tmp_path, file_max_bytes=1000)

    for n in range(100):
        log.info("line %d %s", n, "." * 100)
    end()

    files = {file.name: file for file in tmp_path.iterdir()}
    assert set(files) == {"klingstudio.log", *(f"klingstudio.log.{n}" for n in range(1, 5))}
    assert max(file.stat().st_size for file in files.values()) <= 1000
    assert "line 99 " in files["klingstudio.log"].read_text("utf-8")


@pytest.mark.parametrize("piece", ["x", "a.", "https://", "key ", "a-", "api_key", "://", "Bearer a"])
@pytest.mark.timeout(5)
def test_a_huge_reply_is_shortened_and_takes_no_time(piece: str) -> None:
    shortened = redact(piece * (1_000_000 // len(piece)))

    assert len(shortened) < 40_000
    assert "more characters)" in shortened


def test_without_a_writable_place_the_program_goes_on(tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")

    end = logs.start(tmp_path / "logs")
    log.info("nobody reads this")
    end()

    assert (tmp_path / "logs").read_text() == "a file where the folder should be"


def test_a_hard_crash_leaves_its_place_in_a_file(tmp_path: Path) -> None:
    was_enabled = faulthandler.is_enabled()

    end = logs.start(tmp_path)
    is_watching = faulthandler.is_enabled() and (tmp_path / "crash.txt").exists()
    end()

    assert is_watching
    assert not (tmp_path / "crash.txt").exists(), "an empty one says nothing"
    assert faulthandler.is_enabled() == was_enabled


def test_ending_leaves_the_logging_of_the_process_as_it_was(tmp_path: Path) -> None:
    handlers, level = list(logging.getLogger().handlers), logging.getLogger("klingstudio").level

    logs.start(tmp_path)()

    assert list(logging.getLogger().handlers) == handlers
    assert logging.getLogger("klingstudio").level == level


# --- what a service echoes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "echo",
    [
        lambda key: base64.b64encode(f"{key}:".encode()).decode(),
        lambda key: base64.b64encode(f"u:{key}".encode()).decode(),
        lambda key: base64.urlsafe_b64encode(f"me:{key}?".encode()).decode(),
        lambda key: quote(key, safe=""),
        lambda key: key.encode().hex(),
    ],
)
def test_a_concealed_key_is_masked_in_the_shapes_in_which_services_echo_it(echo: Callable[[str], str]) -> None:
    key = f"id+/{SECRET}"
    logs.conceal(key)

    words = redact(f"the service said <{echo(key)}>")

    assert scan_bytes("words", words.encode(), [SECRET]) == []
    assert "***" in words


@pytest.mark.parametrize(
    "text",
    [
        f'{{"token": "{SECRET}", "token_type": "Bearer"}}',
        f'{{"fields": {{"X-Amz-Signature": "{SECRET}"}}}}',
        f'{{"X-Amz-Credential": "{SECRET}/20261121/eu/s3"}}',
        f'"https:\\/\\/cdn.example\\/take.mp4?X-Amz-Signature={SECRET}"',
        f"https://cdn.example/take.mp4#token={SECRET}",
        f"sent eyJhbGciOiJIUzI1NiJ9.{SECRET}.{SECRET}, refused",
    ],
)
def test_what_opens_an_upload_or_a_file_is_masked_too(text: str) -> None:
    assert SECRET not in redact(text)


# --- what a service may not do to the log -----------------------------------------------------------------------------


@pytest.mark.log_ok
@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", "\v", "\f", "\x1c", "\x85", "\u2028", "\u2029"])
def test_words_of_a_server_never_begin_a_line_of_the_log(log_file: Path, end: str) -> None:
    forged = f"no{end}2026-11-21T00:00:00.000Z INFO    klingstudio.engine paid twice\u202e"
    log.info("it said %s", forged)
    try:
        raise ValueError(forged)
    except ValueError:
        log.exception("it failed")

    text = log_file.read_text("utf-8")
    assert sum(not line.startswith("    ") for line in text.splitlines()) == 2
    assert "\u202e" not in text


def test_the_http_library_stays_out_also_where_somebody_asks_for_everything(log_file: Path) -> None:
    for name in ("httpx", "httpcore", "httpcore.http11"):
        one, before = logging.getLogger(name), logging.getLogger(name).level
        one.setLevel(logging.DEBUG)
        one.debug("send_request_headers.started request=[(b'Authorization', b'Bearer x')]")
        one.setLevel(before)
    log.info("ours")

    assert len(log_file.read_text("utf-8").splitlines()) == 1


# --- what comes again and again ---------------------------------------------------------------------------------------


def test_a_line_that_comes_again_and_again_is_counted(tmp_path: Path) -> None:
    end = logs.start(tmp_path)
    for n in range(1000):
        with about_job("8f3a"):
            log.info("could not look: %s", "network_down")
            log.info("GET https://a.example/x 503 in %d ms", n)
        with about_job("9b21"):
            log.info("could not look: %s", "network_down")
    end()

    lines = [
        line.partition(" klingstudio.tests ")[2] for line in (tmp_path / "klingstudio.log").read_text().splitlines()
    ]
    assert lines == [
        "[job 8f3a] could not look: network_down",
        "[job 8f3a] GET https://a.example/x 503 in 0 ms",
        "[job 9b21] could not look: network_down",
        "[job 8f3a] could not look: network_down … 999 times more",
        "[job 8f3a] GET https://a.example/x 503 in 999 ms … 999 times more",
        "[job 9b21] could not look: network_down … 999 times more",
    ]


def test_a_line_is_written_again_when_the_last_time_is_long_ago(
    log_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at = 0.0
    monkeypatch.setattr(time, "monotonic", lambda: at)
    for at in (0.0, 1.0, 599.0, 601.0, 602.0):  # noqa: B007 - the clock reads it
        log.info("could not look")

    lines = [line.partition(" klingstudio.tests ")[2] for line in log_file.read_text("utf-8").splitlines()]
    assert lines == ["could not look", "could not look … 2 times more", "could not look"]
