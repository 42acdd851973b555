from __future__ import annotations

from pathlib import Path

import av
import pytest

from klingstudio.media.nal_units import is_whole, length_bytes
from tests.torture.media.originals import encode


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_every_sample_of_a_whole_clip_is_whole_and_none_with_a_hole_is(codec: str, tmp_path: Path) -> None:
    with av.open(encode(tmp_path / "clip.mp4", codec=codec)) as container:
        stream = container.streams.video[0]
        size = length_bytes(stream.codec_context.codec.canonical_name, stream.codec_context.extradata)
        samples = [bytes(packet) for packet in container.demux(stream) if packet.size]

    assert size == 4
    assert all(is_whole(sample, size) for sample in samples)
    long = [sample for sample in samples if len(sample) > 120]
    assert len(long) >= 4
    for sample in long:
        assert not is_whole(sample[:100] + bytes(3) + sample[103:], size)
        assert not is_whole(sample[:-1], size)
        assert not is_whole(sample + b"\1", size)


@pytest.mark.parametrize(
    ("inside", "is_fine"),
    [
        (b"\x65abc", True),
        (b"\x65a\0\0\3\0b", True),
        (b"\x65a\0\0\3", True),
        (b"\x65a\0\0\0\0", True),
        (b"\x65a\0\0\0b", False),
        (b"\x65a\0\0\1b", False),
        (b"\x65a\0\0\3\4b", False),
    ],
)
def test_what_can_and_cannot_stand_in_a_unit(inside: bytes, is_fine: bool) -> None:
    assert is_whole(len(inside).to_bytes(4, "big") + inside, 4) is is_fine


def test_other_streams_have_no_such_units() -> None:
    assert length_bytes("vp9", b"\1" * 40) == 0
    assert length_bytes("h264", None) == 0
    assert length_bytes("h264", b"\0\0\0\1\x67" + bytes(20)) == 0
