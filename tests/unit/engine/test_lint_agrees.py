"""What the draft shows as fine is never refused later: all that a look before sending finds has its place in the draft."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import example, given
from hypothesis import strategies as st

from klingstudio.domain.draft import Draft, DraftElement, DraftImage
from klingstudio.domain.element import is_web_address
from klingstudio.domain.errors import InputRefused, Problem
from klingstudio.domain.lint import blocking
from klingstudio.domain.media import ClipFacts, Framing, ImageFacts, Trim
from klingstudio.domain.prompt import Prompt, Token, TokenKind
from klingstudio.domain.request import Tier, check_request
from klingstudio.engine.preflight import Measured, check_abilities, check_files, check_text
from klingstudio.providers.base import ProviderInfo
from klingstudio.providers.registry import ENTRIES
from klingstudio.ui.models import rules
from klingstudio.ui.models.pictures import Look

INFOS = tuple(entry.info for entry in ENTRIES)

IDS = ("a", "b", "c", "d", "e", "clip")
PLACES = st.sampled_from(["/fine.png", "/other.jpg", "/odd\udcff.png", "https://example.org/p.png"])
WORDS = st.sampled_from(["snow", "", " ", "@Image1", "@element2", "@Video1", "@Video2", "7", "@", "\ud800", "x" * 2490])
TOKENS = st.builds(Token, st.sampled_from(TokenKind), st.sampled_from(IDS))
SIDES = st.sampled_from([1, 200, 299, 300, 340, 720, 1280, 2160, 3840, 9000])
PICTURES = st.builds(
    ImageFacts,
    format=st.just("png"),
    width_px=SIDES,
    height_px=SIDES,
    size_bytes=st.sampled_from([1, 10_000_000, 10_485_760, 10_485_761, 50_000_000]),
)
CLIPS = st.builds(
    ClipFacts,
    container=st.sampled_from(["mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"]),
    video_codec=st.sampled_from(["h264", "hevc"]),
    width_px=SIDES,
    height_px=SIDES,
    rotation_deg=st.sampled_from([0, 90]),
    fps=st.sampled_from([Fraction(10), Fraction(24), Fraction(60000, 1001), Fraction(120)]),
    is_variable_rate=st.booleans(),
    frame_count=st.just(100),
    duration_s=st.sampled_from([0.5, 2.9995, 3.0, 10.0, 10.04, 15.0, 20.0]),
    pixel_format=st.just("yuv420p"),
    bit_depth=st.just(8),
    is_hdr=st.booleans(),
    audio_codec=st.sampled_from([None, "aac", "opus"]),
    audio_duration_s=st.none(),
    size_bytes=st.sampled_from([1000, 300_000_000]),
)
TRIMS = st.one_of(
    st.none(),
    st.builds(Trim, start_s=st.sampled_from([-1.0, 0.0, 2.0, 9.0]), end_s=st.sampled_from([0.0, 3.0, 5.0, 12.0, 30.0])),
)


@st.composite
def drafts(draw: st.DrawFn) -> Draft:
    ids = draw(st.permutations(IDS[:-1]))
    images = draw(st.integers(0, 5))
    return Draft(
        id="draft",
        source=draw(st.sampled_from(["/clip.mp4", "/clip.mp4", "/clip\udcfe.mp4", ""])),
        trim=draw(TRIMS),
        framing=draw(st.sampled_from(Framing)),
        images=tuple(DraftImage(id=id_, place=draw(PLACES)) for id_ in ids[:images]),
        elements=tuple(
            DraftElement(
                id=id_,
                name=draw(st.sampled_from(["Mia", "", "\udc80"])),
                frontal=draw(st.one_of(st.just(""), PLACES)),
                angles=tuple(draw(st.lists(PLACES, max_size=4))),
            )
            for id_ in ids[images : images + 2]
        ),
        prompt=tuple(draw(st.lists(st.one_of(WORDS, TOKENS), max_size=4))),
        tier=draw(st.sampled_from(Tier)),
    )


def plain(*images: str, prompt: Prompt = ("snow",)) -> Draft:
    return Draft(
        id="draft",
        source="/clip.mp4",
        images=tuple(DraftImage(id=id_, place="/fine.png") for id_ in images),
        prompt=prompt,
    )


FINE = ImageFacts(format="png", width_px=720, height_px=720, size_bytes=1)
CLIP = ClipFacts(
    container="mov,mp4,m4a,3gp,3g2,mj2",
    video_codec="h264",
    width_px=1280,
    height_px=720,
    rotation_deg=0,
    fps=Fraction(24),
    is_variable_rate=False,
    frame_count=120,
    duration_s=5.0,
    pixel_format="yuv420p",
    bit_depth=8,
    is_hdr=False,
    audio_codec=None,
    audio_duration_s=None,
    size_bytes=1000,
)


def refused(draft: Draft, clip: ClipFacts, picture: ImageFacts, info: ProviderInfo) -> Problem | None:
    """What the look before sending has against the draft."""
    request = rules.request_of(draft, info, inputs_via=None, billed_to="", max_cost=None)
    pictures = tuple((subject, picture) for subject, place in request.pictures() if not is_web_address(place))
    try:
        check_abilities(request, info, INFOS)
        check_text(request)
        check_request(request, info.limits)
        check_files(Measured(clip, pictures), request, info)
    except InputRefused as error:
        return error.problem
    return None


@example(draft=plain("a", prompt=(Token(TokenKind.ELEMENT, "a"),)), clip=CLIP, picture=FINE)
@example(draft=plain("a", prompt=(Token(TokenKind.VIDEO, "a"),)), clip=CLIP, picture=FINE)
@example(draft=plain(prompt=("half a sign \ud800",)), clip=CLIP, picture=FINE)
@given(draft=drafts(), clip=CLIPS, picture=PICTURES)
def test_what_nothing_stands_against_in_the_draft_passes_every_check_before_sending(
    draft: Draft, clip: ClipFacts, picture: ImageFacts
) -> None:
    looks = {place: Look(facts=picture) for place in draft.pictures if not is_web_address(place)}
    for info in INFOS:
        plan, clip_problem = rules.fit(clip, info.limits, draft.trim, draft.framing)
        found = rules.findings(draft, info, INFOS, plan=plan, clip_problem=clip_problem, looks=looks)
        problem = refused(draft, clip, picture, info)
        if problem is None:
            continue
        assert blocking(found) is not None, f"{info.id} refuses it: {problem}"
        if all(one.frontal for one in draft.elements):
            # Without its front picture an element is left out of the request, and the others count differently.
            assert problem.subject.split(":")[0] in {one.subject.split(":")[0] for one in found}
