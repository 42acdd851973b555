"""A video that lies inside a JSON answer, as base64 under `b64_json`: taken out while the answer streams by."""

from __future__ import annotations

import base64
import re

from klingstudio.domain.errors import UnexpectedReply

INLINE = re.compile(rb'"b64_json"\s*:\s*"')
"""Where the video begins. An echoed `"response_format": "b64_json"` is a value and no key, so it is not taken for one."""

HEAD_MAX_BYTES = 1024 * 1024
"""How far into an answer the video may begin. Before it stand the parameters of the order, echoed."""
_FIRST_LEAST = 12
"""Characters of the first part: enough for the bytes by which a video is known."""
_KEY_MOST = 64
"""Bytes that are kept between two pieces while the key is looked for: it may be cut in two."""


class InlineVideo:
    """Give it the answer piece by piece; it gives back the video's bytes. Holds no more than one piece."""

    def __init__(self) -> None:
        self.is_whole = False
        """True once the video's last byte has come."""
        self._has_begun = False
        self._has_given = False
        self._passed = 0
        self._rest = b""

    def feed(self, piece: bytes) -> bytes:
        """The part of the video in this piece.

        Raises:
            UnexpectedReply: there is no video in the answer, or it is no base64.
        """
        if self.is_whole:
            return b""
        data = self._rest + piece
        if not self._has_begun:
            found = INLINE.search(data)
            if found is None:
                self._passed += len(piece)
                if self._passed > HEAD_MAX_BYTES:
                    raise UnexpectedReply("what was served is not a video")
                self._rest = data[-_KEY_MOST:]
                return b""
            self._has_begun, data = True, data[found.end() :]
        text, quote, _ = data.partition(b'"')
        # JSON may write a slash as `\/`.
        text = text.replace(b"\\", b"")
        self.is_whole = bool(quote)
        even = len(text) if self.is_whole else len(text) // 4 * 4
        if not self._has_given and even < _FIRST_LEAST and not self.is_whole:
            even = 0
        self._has_given |= even > 0
        self._rest = text[even:]
        try:
            return base64.b64decode(text[:even], validate=True)
        except ValueError as error:
            raise UnexpectedReply("the video inside the answer is not base64") from error
