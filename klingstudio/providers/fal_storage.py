"""fal.ai's storage: a token opens its CDN, which takes a file whole or, above 100 MiB, in parts.

The key goes to the host that hands out tokens and to no other. Where the CDN itself is out of order, the older storage
hands out a signed address at another company, which sees neither key nor token. Sources, read 2026-11-20: the storage
pages of fal.ai's documentation, and the requests that `fal-client` 1.0.3 really makes.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from klingstudio.domain.errors import Kind, NetworkProblem, ProviderRefused, UnexpectedReply
from klingstudio.net.api import Api
from klingstudio.net.parts import Part, Tally, parts_of, send_parts
from klingstudio.net.reply import Reply, moment
from klingstudio.net.upload import content_type, file_size, upload_bytes
from klingstudio.providers.base import OnProgress
from klingstudio.providers.fal_errors import refusal, words

WHOLE_MAX_BYTES = 100 * 1024 * 1024
"""The largest file that goes in one request."""
PART_BYTES = 10 * 1024 * 1024
PARTS_AT_ONCE = 3
"""fal.ai's own client sends ten. Measured: more than three are no quicker, and each costs 2 MB of memory under TLS."""

LIFETIME_S = 24 * 3600
"""The shortest that an edit needs: it may wait in the queue for hours, and fal.ai loads its inputs again each time that
it repeats a run of its own accord."""
LIFETIME = json.dumps({"expiration_duration_seconds": LIFETIME_S})
_MAY_HAVE_EXPIRED = frozenset({400, 401, 403})
"""What storages say to a signed address that has ceased to be good."""
_LIFETIME_HEADERS = {
    # The CDN reads the first, the older storage the second; the official client sends both.
    "X-Fal-Object-Lifecycle": LIFETIME,
    "X-Fal-Object-Lifecycle-Preference": LIFETIME,
}


@dataclass(frozen=True, slots=True)
class _Token:
    """What opens the CDN for a while."""

    header: Mapping[str, str] = field(repr=False)
    base_url: str
    expires_at: datetime | None

    def is_good(self, now: datetime) -> bool:
        # Without a time of its own it is used until it is refused.
        return self.expires_at is None or now < self.expires_at


@dataclass(frozen=True, slots=True)
class _Begun:
    """A file of which some parts have arrived."""

    address: str
    upload_id: str
    etags: dict[int, str] = field(default_factory=dict)
    """By the number of the part, with their quotes."""


class Storage:
    """Where local files become addresses that the model can read."""

    def __init__(self, api: Api, now: Callable[[], datetime]) -> None:
        self._api = api
        self._now = now
        self._token: _Token | None = None
        self._renewing = asyncio.Lock()
        self._begun: dict[tuple[str, int, int], _Begun] = {}

    async def put(self, path: Path, name: str, on_progress: OnProgress) -> str:
        """Host a file for `LIFETIME_S` and return its address.

        Raises:
            ProviderRefused: the storage does not take it.
            UnexpectedReply: what arrived there is not what was sent.
        """
        # With the key, and outside of what may be made up for: if this fails, the older storage fails, too.
        await self.token()
        size = await file_size(path)
        if size > WHOLE_MAX_BYTES:
            url = await self._put_in_parts(path, name, size, on_progress)
        else:
            url = await self._put_whole(path, name, on_progress)
        await self._check(url, size)
        return url

    async def token(self, refused: _Token | None = None) -> _Token:
        """A token that is good for a while, another one than `refused`."""
        async with self._renewing:
            known = self._token
            if known is None or known is refused or not known.is_good(self._now()):
                known = self._token = await self._new_token()
            return known

    async def _new_token(self) -> _Token:
        rest = self._api.at("rest")
        reply = await rest.send("POST", "/storage/auth/token?storage_type=fal-cdn-v3", {})
        if not reply.is_success:
            raise refusal(reply)
        kind, text = reply.at("token_type"), reply.text("token")
        base_url, expires_at = reply.at("base_url"), reply.at("expires_at")
        return _Token(
            {"Authorization": f"{kind if isinstance(kind, str) and kind else 'Bearer'} {text}"},
            base_url if isinstance(base_url, str) else "",
            moment(expires_at),
        )

    async def _with_token(self, call: Callable[[_Token], Awaitable[Reply]]) -> Reply:
        """The answer to a call; where the token has ceased to be good meanwhile, to the same call with a new one."""
        token = await self.token()
        reply = await call(token)
        if reply.status in (401, 403):
            reply = await call(await self.token(refused=token))
        if not reply.is_success:
            raise ProviderRefused(Kind.UPLOAD_REFUSED, words(reply) or f"HTTP {reply.status}", raw=reply.raw())
        return reply

    # ------------------------------------------------------------------------------------------------------ in one go

    async def _put_whole(self, path: Path, name: str, on_progress: OnProgress) -> str:
        def send(token: _Token) -> Awaitable[Reply]:
            cdn = self._api.at("cdn").carrying(token.header)
            return upload_bytes(cdn, "POST", "/files/upload", path, headers=_about(name), on_bytes=on_progress)

        try:
            reply = await self._with_token(send)
        except NetworkProblem:
            return await self._put_elsewhere(path, name, on_progress)
        return reply.text("access_url")

    async def _put_elsewhere(self, path: Path, name: str, on_progress: OnProgress) -> str:
        address, reply = await self._put_signed(path, name, on_progress)
        if reply.status in _MAY_HAVE_EXPIRED:
            # On a slow line a signed address may not live as long as the upload takes.
            address, reply = await self._put_signed(path, name, on_progress)
        if not reply.is_success:
            raise ProviderRefused(Kind.UPLOAD_REFUSED, f"HTTP {reply.status}", raw=reply.raw())
        return address

    async def _put_signed(self, path: Path, name: str, on_progress: OnProgress) -> tuple[str, Reply]:
        """The address that the file will have, and what its new home says to it."""
        rest = self._api.at("rest")
        rest = rest.carrying({**rest.credentials_for(f"{rest.base_url}/"), **_LIFETIME_HEADERS})
        body = {"file_name": name, "content_type": content_type(name)}
        reply = await rest.send("POST", "/storage/upload/initiate?storage_type=gcs", body)
        if not reply.is_success:
            raise refusal(reply)
        address = reply.text("file_url")
        signed, place = self._api.elsewhere(reply.text("upload_url"))
        headers = {"Content-Type": content_type(name)}
        return address, await upload_bytes(signed, "PUT", place, path, headers=headers, on_bytes=on_progress)

    # ------------------------------------------------------------------------------------------------------- in parts

    async def _put_in_parts(self, path: Path, name: str, size: int, on_progress: OnProgress) -> str:
        mark = (str(path), size, (await asyncio.to_thread(path.stat)).st_mtime_ns)
        # Taken out while it is at work: another job with the same file needs an address of its own.
        begun = self._begun.pop(mark, None)
        if begun is None:
            try:
                begun = await self._begin(name)
            except NetworkProblem:
                return await self._put_elsewhere(path, name, on_progress)
        try:
            await self._send_missing(begun, path, name, size, on_progress)
            await self._complete(begun, size)
        except ProviderRefused:
            raise
        except BaseException:
            # When the line breaks for good, the next try goes on from there.
            self._begun[mark] = begun
            raise
        return begun.address

    async def _begin(self, name: str) -> _Begun:
        def ask(token: _Token) -> Awaitable[Reply]:
            cdn = self._cdn_of(token).carrying({**token.header, **_about(name), "Accept": "application/json"})
            return cdn.send("POST", "/files/upload/multipart")

        reply = await self._with_token(ask)
        return _Begun(reply.text("access_url"), reply.text("uploadId"))

    async def _send_missing(self, begun: _Begun, path: Path, name: str, size: int, on_progress: OnProgress) -> None:
        parts = parts_of(size, PART_BYTES)
        tally = Tally(size, on_progress)
        for part in parts:
            if part.number in begun.etags:
                tally.has_arrived(part)

        async def send_one(part: Part) -> None:
            cdn, place = self._place_of(begun, str(part.number))

            def send(token: _Token) -> Awaitable[Reply]:
                return upload_bytes(
                    cdn.carrying(token.header),
                    "PUT",
                    place,
                    path,
                    headers={"Content-Type": content_type(name)},
                    on_bytes=tally.of(part),
                    start=part.start,
                    length=part.length,
                )

            reply = await self._with_token(send)
            etag = reply.headers.get("etag")
            if not etag:
                raise UnexpectedReply(f"HTTP {reply.status}, part {part.number} got no ETag")
            begun.etags[part.number] = etag

        missing = [part for part in parts if part.number not in begun.etags]
        await send_parts(missing, send_one, at_once=PARTS_AT_ONCE)

    async def _complete(self, begun: _Begun, size: int) -> None:
        cdn, place = self._place_of(begun, "complete")
        parts = [{"partNumber": number, "etag": etag} for number, etag in sorted(begun.etags.items())]
        try:
            await self._with_token(lambda token: cdn.carrying(token.header).send("POST", place, {"parts": parts}))
        except ProviderRefused:
            # Where the answer to the first try got lost, the second one finds nothing left to complete.
            cdn, path = self._api.locate(begun.address)
            seen = await cdn.head_without_key(path)
            if not seen.is_success or seen.headers.get("content-length") != str(size):
                raise

    def _cdn_of(self, token: _Token) -> Api:
        """The CDN that the token names, if it is one of fal.ai's."""
        try:
            return self._api.locate(f"{token.base_url.rstrip('/')}/")[0]
        except UnexpectedReply:
            return self._api.at("cdn")

    def _place_of(self, begun: _Begun, what: str) -> tuple[Api, str]:
        # The token must not travel to a host that merely an answer has named.
        cdn, path = self._api.locate(begun.address)
        return cdn, f"{path}/multipart/{quote(begun.upload_id, safe='')}/{what}"

    # --------------------------------------------------------------------------------------------------------- inside

    async def _check(self, url: str, size: int) -> None:
        """See the file as the model will: without a key, where fal.ai itself serves it."""
        try:
            cdn, path = self._api.locate(url)
        except UnexpectedReply:
            # A file in the older storage is at another company's host.
            self._api.elsewhere(url)
            return
        seen = await cdn.head_without_key(path)
        if seen.status in (401, 403, 404, 410):
            raise ProviderRefused(Kind.UPLOAD_REFUSED, "the uploaded file cannot be read without a key")
        # Another refusal is of the question: no page promises that the CDN answers HEAD.
        if seen.is_success and seen.headers.get("content-length") not in (None, str(size)):
            raise UnexpectedReply("the uploaded file has another length")


def _about(name: str) -> dict[str, str]:
    # A header has room for ASCII only.
    return {"Content-Type": content_type(name), "X-Fal-File-Name": quote(name), **_LIFETIME_HEADERS}
