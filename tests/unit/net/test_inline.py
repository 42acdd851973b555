"""A video inside JSON is the same video however the answer is cut."""

from __future__ import annotations

import base64
import json
import random

import pytest

from klingstudio.domain.errors import UnexpectedReply
from klingstudio.net.inline import HEAD_MAX_BYTES, InlineVideo

FILM = b"\0\0\0\x20ftypisom" + random.Random(7).randbytes(2001)
ANSWER = json.dumps({"response_format": "b64_json", "data": [{"b64_json": base64.b64encode(FILM).decode()}], "n": 1})


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 4096])
def test_a_video_is_whole_in_pieces_of_any_size(size: int) -> None:
    # JSON may write a slash like that.
    answer = ANSWER.replace("/", "\\/").encode()
    inline = InlineVideo()

    pieces = [inline.feed(answer[start : start + size]) for start in range(0, len(answer), size)]

    assert b"".join(pieces) == FILM
    assert inline.is_whole
    # The first one is long enough to be known by.
    assert next(piece for piece in pieces if piece)[4:8] == b"ftyp"
    assert inline.feed(b'", "b64_json": "AAAA"}') == b""


def test_a_video_that_does_not_begin_is_not_waited_for() -> None:
    inline = InlineVideo()
    for _ in range(HEAD_MAX_BYTES // 65536):
        assert inline.feed(b" " * 65536) == b""

    with pytest.raises(UnexpectedReply, match="not a video"):
        inline.feed(b" ")


def test_what_is_no_base64_is_told() -> None:
    with pytest.raises(UnexpectedReply, match="not base64"):
        InlineVideo().feed(b'{"b64_json": "*** not a film at all ***"}')
