"""An upload is sent as it is read, with its exact length."""

from __future__ import annotations

import asyncio
import base64
import random
import ssl
from pathlib import Path

import pytest

from klingstudio.domain.errors import DiskProblem, Kind, ProviderRefused, StudioError, UnexpectedReply
from klingstudio.net.api import Api
from klingstudio.net.retry import Patience
from klingstudio.net.upload import CHUNK_BYTES, check_public, send_form, upload_base64, upload_bytes, upload_form
from tests.fakes.wire import Wire, reply, reset

TLS = ssl.create_default_context()
FILM = b"\0\0\0\x20ftypisom" + random.Random(7).randbytes(3 * CHUNK_BYTES + 77)


async def _no_sleep(seconds: float) -> None:
    await asyncio.sleep(0)


def ignore(done: int, total: int) -> None:
    pass


def an_api(url: str) -> Api:
    return Api(
        hosts={"api": url},
        headers={"Authorization": "Bearer k"},
        tls=TLS,
        patience=Patience(sleep=_no_sleep, random=lambda: 0.5),
    )


async def test_a_form_carries_fields_and_file_with_its_exact_length(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(FILM)
    seen: list[int] = []

    async with Wire(reply()) as wire:
        api = an_api(wire.url)
        await upload_form(
            api,
            "PUT",
            "/up",
            clip,
            part="files[]",
            name='a"b.mp4',
            fields={"name": "Zoë"},
            on_bytes=lambda done, total: seen.append(done),
        )
        await api.aclose()

    body = wire.asked[0].body
    assert "transfer-encoding" not in wire.asked[0].headers
    assert FILM in body
    assert 'name="name"\r\n\r\nZoë\r\n'.encode() in body
    assert b'name="files[]"; filename="a_b.mp4"\r\nContent-Type: video/mp4' in body
    assert seen[-1] == len(FILM)


async def test_a_broken_upload_is_sent_again_from_its_first_byte(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(FILM)

    async with Wire(reset, reply()) as wire:
        api = an_api(wire.url)
        await upload_form(api, "PUT", "/up", clip, part="f", name="c.mp4", fields={}, on_bytes=ignore)
        await api.aclose()

    assert FILM in wire.asked[-1].body


async def test_a_file_that_shrinks_while_it_is_sent_is_not_taken_for_sent(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(FILM)

    def shrink(done: int, total: int) -> None:
        clip.write_bytes(FILM[: CHUNK_BYTES + 1])

    async with Wire(reply()) as wire:
        api = an_api(wire.url)
        with pytest.raises(StudioError):
            await upload_form(api, "PUT", "/up", clip, part="f", name="c.mp4", fields={}, on_bytes=shrink)
        await api.aclose()

    assert wire.asked == []


@pytest.mark.parametrize("size", [0, 1, 2, 3, CHUNK_BYTES - 1, CHUNK_BYTES, 2 * CHUNK_BYTES + 5])
async def test_base64_is_the_same_as_if_it_had_been_made_at_once(tmp_path: Path, size: int) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(FILM[:size])
    async with Wire(reply()) as wire:
        api = an_api(wire.url)
        await upload_base64(api, "POST", "/up", file, head=b'{"data_urls":["', tail=b'"]}', on_bytes=ignore)
        await api.aclose()

    body = wire.asked[0].body
    assert body == b'{"data_urls":["' + base64.b64encode(FILM[:size]) + b'"]}'
    assert wire.asked[0].headers["content-length"] == str(len(body))


async def test_a_part_of_a_file_is_sent_alone_and_counted_alone(tmp_path: Path) -> None:
    file = tmp_path / "clip.mp4"
    file.write_bytes(FILM)
    seen: list[tuple[int, int]] = []
    async with Wire(reply()) as wire:
        api = an_api(wire.url)
        await upload_bytes(
            api, "PUT", "/part/2", file, headers={"X-A": "b"}, on_bytes=lambda *n: seen.append(n), start=100, length=999
        )
        await api.aclose()

    assert wire.asked[0].body == FILM[100:1099]
    assert wire.asked[0].headers["x-a"] == "b"
    assert seen[-1] == (999, 999)


async def test_a_form_of_words_alone_has_its_exact_length() -> None:
    async with Wire(reply()) as wire:
        api = an_api(wire.url)
        await send_form(api, "POST", "/job", {"prompt": "snow ❄", "n": "1"})
        await api.aclose()

    body = wire.asked[0].body.decode()
    boundary = wire.asked[0].headers["content-type"].partition("boundary=")[2]
    assert wire.asked[0].headers["content-length"] == str(len(body.encode()))
    assert [part.split("\r\n\r\n") for part in body.split(f"--{boundary}")[1:-1]] == [
        ['\r\nContent-Disposition: form-data; name="prompt"', "snow ❄\r\n"],
        ['\r\nContent-Disposition: form-data; name="n"', "1\r\n"],
    ]
    assert body.endswith(f"--{boundary}--\r\n")


async def test_what_the_models_fetcher_will_not_get_whole_is_noticed_before_it_costs() -> None:
    async with Wire(reply(200, b"12345"), reply(403), reply(200, b"1234")) as wire:
        api = an_api(wire.url)
        await check_public(api, "/file", 5)
        with pytest.raises(ProviderRefused) as refused:
            await check_public(api, "/file", 5)
        with pytest.raises(UnexpectedReply, match="another length"):
            await check_public(api, "/file", 5)
        await api.aclose()

    assert refused.value.problem.kind is Kind.UPLOAD_REFUSED
    assert all(asked.method == "HEAD" and "authorization" not in asked.headers for asked in wire.asked)


async def test_a_file_that_is_gone_is_told_before_anything_is_sent(tmp_path: Path) -> None:
    async with Wire(reply()) as wire:
        api = an_api(wire.url)
        with pytest.raises(DiskProblem):
            await upload_bytes(api, "PUT", "/up", tmp_path / "gone.mp4", headers={}, on_bytes=ignore)
        await api.aclose()

    assert wire.asked == []
