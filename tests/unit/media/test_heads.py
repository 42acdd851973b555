"""What a file is, told from its first bytes."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from klingstudio.media.heads import HEAD_BYTES, Content, content_of, picture_size


def a_picture(form: str, size: tuple[int, int], **how: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGBA" if how.pop("alpha", False) else "RGB", size, "teal").save(buffer, form, **how)
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        a_picture("JPEG", (321, 123)),
        a_picture("JPEG", (321, 123), progressive=True, icc_profile=b"profile" * 20_000),
        a_picture("PNG", (321, 123)),
        a_picture("WEBP", (321, 123)),
        a_picture("WEBP", (321, 123), lossless=True),
        a_picture("WEBP", (321, 123), alpha=True, exif=b"Exif\0\0MM\0*\0\0\0\x08\0\0\0\0\0\0"),
    ],
)
def test_the_size_of_a_picture_stands_in_its_head(data: bytes) -> None:
    assert content_of(data[:512]) is Content.PICTURE
    assert picture_size(data[:HEAD_BYTES]) == (321, 123)


@pytest.mark.parametrize(
    ("head", "content"),
    [
        (b"\0\0\0\x18ftypisom\0\0\2\0", Content.VIDEO),
        (b"\0\0\0\x08wide\0\0\1\0mdat", Content.VIDEO),
        (b"\x1a\x45\xdf\xa3\x9f\x42\x86\x81", Content.VIDEO),
        (b"RIFF\0\0\1\0AVI LIST", Content.VIDEO),
        ((b"\x47" + bytes(187)) * 2, Content.VIDEO),
        ((bytes(4) + b"\x47" + bytes(187)) * 2, Content.VIDEO),
        (b"\0\0\0\x1cftypavif\0\0\0\0", Content.OTHER_PICTURE),
        (b"\0\0\0\x18ftypheic\0\0\0\0", Content.OTHER_PICTURE),
        (b"GIF89a", Content.OTHER_PICTURE),
        (b"\xef\xbb\xbf\r\n<!doctype HTML>", Content.PAGE),
        (b'{"error": {"message": "expired"}}', Content.PAGE),
        (b"%PDF-1.7", Content.DOCUMENT),
        (b"PK\3\4\x14\0", Content.DOCUMENT),
        (b"RIFF\0\0\1\0WAVEfmt ", Content.UNKNOWN),
        (b"", Content.UNKNOWN),
    ],
)
def test_content_is_told_whatever_the_name_says(head: bytes, content: Content) -> None:
    assert content_of(head) is content


@given(
    st.sampled_from([b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"RIFF\0\0\0\0WEBPVP8X", b"RIFF\0\0\0\0WEBPVP8 ", b""]),
    st.binary(max_size=200),
)
def test_whatever_the_bytes_are_looking_at_them_comes_to_an_end(start: bytes, rest: bytes) -> None:
    content_of(start + rest)
    size = picture_size(start + rest)

    assert size is None or all(side >= 0 for side in size)
