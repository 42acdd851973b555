"""Whatever an answer holds, what is asked of it is found, missing, or one known error: never a crash, never a key."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from klingstudio.domain.errors import UnexpectedReply
from klingstudio.logs import conceal
from klingstudio.net.reply import RAW_MAX_CHARS, Reply, moment, plain_words


def a_reply(tree: object, status: int = 200) -> Reply:
    return Reply(status, {}, json.dumps(tree).encode())


JOBS = a_reply({"jobs": [{"id": "a", "price": 1.5}, {"id": "", "price": True}, "odd"], "next": None, "total": "3"})


def test_a_value_is_found_by_its_path() -> None:
    assert JOBS.at("jobs.0.id") == "a"
    assert JOBS.text("jobs.0.id") == "a"
    assert JOBS.number("jobs.0.price") == 1.5
    assert JOBS.rows("jobs") == [{"id": "a", "price": 1.5}, {"id": "", "price": True}]


@pytest.mark.parametrize(
    "path", ["jobs.7.id", "jobs.-1", "jobs.first", "jobs.0.id.x", "jobs.2.x", "next", "next.x", "", "other"]
)
def test_what_is_not_there_is_none_and_no_text(path: str) -> None:
    assert JOBS.at(path) is None
    assert JOBS.number(path) is None
    with pytest.raises(UnexpectedReply, match="no text at"):
        JOBS.text(path)


def test_what_is_of_another_kind_is_not_taken() -> None:
    with pytest.raises(UnexpectedReply):
        JOBS.text("jobs.1.id")
    with pytest.raises(UnexpectedReply):
        JOBS.text("jobs.0.price")
    assert JOBS.number("jobs.1.price") is None
    assert JOBS.number("total") is None
    for path in ("total", "next", "jobs.0"):
        with pytest.raises(UnexpectedReply, match="no list at"):
            JOBS.rows(path)


def test_half_of_a_character_does_not_reach_the_journal() -> None:
    """A service that cuts its words by length leaves one; SQLite could not store it."""
    cut = Reply(200, {}, b'{"log": ["snow \\ud83d", {"\\ud83d": "whole \\ud83d\\ude00"}], "n": 1}')

    assert cut.tree() == {"log": ["snow �", {"�": "whole 😀"}], "n": 1}
    json.dumps(cut.tree(), ensure_ascii=False).encode()


def test_what_is_kept_of_an_answer_is_short_readable_and_without_secrets() -> None:
    conceal("canary-5ecret-key")
    words = "sk canary-5ecret-key \u202e https://cdn.example.org/x.mp4?signature=abc \x07 <" + "x" * 9000

    raw = Reply(500, {}, words.encode() + b"\xff").raw()

    assert raw.startswith("HTTP 500\n")
    assert "5ecret" not in raw
    assert "signature" not in raw
    assert "https://cdn.example.org/x.mp4?…" in raw
    assert raw.isprintable() or set(raw) - {"\n"} <= {c for c in raw if c.isprintable()}
    assert len(raw) <= RAW_MAX_CHARS + len("HTTP 500\n…")
    assert Reply(204, {}, b"").raw() == "HTTP 204"


def test_what_is_kept_of_an_answer_reads_as_it_came_where_that_does_no_harm() -> None:
    assert Reply(500, {}, b"one\ttwo\nthree \x07 four").raw() == "HTTP 500\none\ttwo\nthree \ufffd four"
    assert Reply(500, {}, b"at https://a.example/x?sig=1 then").raw() == "HTTP 500\nat https://a.example/x?… then"
    whole, longer = b"x" * RAW_MAX_CHARS, b"x" * (RAW_MAX_CHARS + 1)
    assert Reply(500, {}, whole).raw() == "HTTP 500\n" + whole.decode()
    assert Reply(500, {}, longer).raw() == "HTTP 500\n" + whole.decode() + "…"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("2026-11-20T12:00:30Z", "2026-11-20T12:00:30+00:00"),
        ("2026-11-20T12:00:30", "2026-11-20T12:00:30+00:00"),
        ("2026-11-20T13:00:30+01:00", "2026-11-20T12:00:30+00:00"),
        (1795176030, "2026-11-20T12:00:30+00:00"),
        (1795176030.0, "2026-11-20T12:00:30+00:00"),
        (1795176030000, "2026-11-20T12:00:30+00:00"),
    ],
)
def test_a_time_is_understood_however_it_is_written(value: object, text: str) -> None:
    assert moment(value) == datetime.fromisoformat(text)


@pytest.mark.parametrize(
    "value", ["soon", "", None, True, [], {}, 1e300, -1e300, float("nan"), "0001-01-01T00:00:00+23"]
)
def test_what_is_no_time_is_none(value: object) -> None:
    assert moment(value) is None


def test_a_time_of_another_zone_is_ours_in_utc() -> None:
    found = moment("2026-11-20T23:30:00-05:00")
    assert found is not None
    assert (found.tzinfo, found.day) == (UTC, 21)


def test_a_servers_words_are_one_line_without_secrets() -> None:
    conceal("canary-5ecret-key")

    assert plain_words("bad\r\n  prompt\t\x1b[31m") == "bad prompt [31m"
    assert plain_words("see https://x.example/a?sig=1 now") == "see https://x.example/a now"
    assert "5ecret" not in plain_words("key canary-5ecret-key is\u202e wrong")
    assert plain_words("snow " * 30, most=20) == "snow snow snow snow…"
    assert plain_words("") == ""
