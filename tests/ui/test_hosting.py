"""A provider that hosts no files, and what it means for the bar, the request and the question about public uploads."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from PySide6.QtWidgets import QApplication

from klingstudio.domain.element import Element, Image
from klingstudio.domain.errors import Kind
from klingstudio.domain.request import Tier
from klingstudio.ui.generate.menu import MenuButton
from klingstudio.ui.generate.questions import AGREE
from klingstudio.ui.text import Button
from tests.fakes.studio import BARE, FACTS, FREE, PAID, a_request, provider
from tests.ui.conftest import Desk

OTHER = provider("bolt", needs_key=True)


async def at_the_bare_one(desk: Desk, *keyed: str) -> None:
    """A draft that is edited by a provider without hosting; `keyed` have a key beside it."""
    desk.studio.providers = (PAID, OTHER, BARE, FREE)
    desk.studio.accounts.keys = dict.fromkeys((BARE.id, *keyed), "a-key")
    desk.studio.accounts.live |= {BARE.id: None, OTHER.id: None}
    desk.studio.settings.update(provider=BARE.id, upload_consent=frozenset({PAID.id}))
    desk.open()
    desk.models.attach(desk.studio.as_studio)
    await desk.until(lambda: all(desk.models.accounts.state(i.id).place for i in desk.models.accounts.providers))
    await desk.fill()


def lines(menu: MenuButton) -> list[str]:
    return [action.text().replace("\t", " | ") for action in menu.choices.actions()]


def press(menu: MenuButton, words: str) -> None:
    next(action for action in menu.choices.actions() if action.text().startswith(words)).trigger()


async def test_the_menu_of_providers_shows_the_key_of_each(desk: Desk) -> None:
    await at_the_bare_one(desk, PAID.id)

    assert lines(desk.generate.choices.provider) == [
        "Acme | key set",
        "Bolt | no key",
        "Bare | key set",
        "Sandbox | free",
    ]
    assert desk.generate.choices.provider.text() == "Bare"
    assert desk.generate.choices.provider.accessibleName() == "Provider: Bare"


async def test_a_key_that_is_removed_is_missing_in_the_menu_at_once(desk: Desk) -> None:
    await at_the_bare_one(desk, PAID.id)

    desk.models.accounts.remove_key(PAID.id)
    await desk.until(lambda: "Acme | no key" in lines(desk.generate.choices.provider))


async def test_only_such_a_provider_asks_where_the_files_go(desk: Desk) -> None:
    await at_the_bare_one(desk, PAID.id)
    shown = desk.generate.choices.via.isVisible(), desk.generate.choices.via.accessibleName()

    desk.draft.choose_provider(PAID.id)

    assert shown == (True, "Files via: Acme")
    assert not desk.generate.choices.via.isVisible()
    assert desk.draft.request().inputs_via is None


async def test_the_host_is_chosen_remembered_and_put_into_the_request(desk: Desk) -> None:
    await at_the_bare_one(desk, PAID.id, OTHER.id)
    first = desk.draft.request().inputs_via

    press(desk.generate.choices.via, "Bolt")

    assert first == PAID.id
    assert desk.draft.request().inputs_via == OTHER.id
    assert desk.studio.settings.choices.inputs_via == OTHER.id
    assert desk.generate.choices.via.accessibleName() == "Files via: Bolt"


async def test_a_host_without_a_key_is_shown_so_and_leads_to_adding_one(desk: Desk) -> None:
    await at_the_bare_one(desk, PAID.id)
    wanted: list[str] = []
    desk.generate.settings_wanted.connect(wanted.append)

    assert lines(desk.generate.choices.via) == ["Acme | key set", "Bolt | no key"]
    press(desk.generate.choices.via, "Bolt")

    assert wanted == [OTHER.id]
    assert desk.draft.request().inputs_via == PAID.id
    checked = [action.text() for action in desk.generate.choices.via.choices.actions() if action.isChecked()]
    assert checked == ["Acme\tkey set"]


async def test_a_host_whose_key_went_away_is_replaced_by_one_that_has_one(desk: Desk) -> None:
    await at_the_bare_one(desk, PAID.id, OTHER.id)
    desk.draft.choose_inputs_via(OTHER.id)

    desk.models.accounts.remove_key(OTHER.id)
    await desk.until(lambda: desk.generate.choices.via.accessibleName() == "Files via: Acme")

    assert desk.draft.request().inputs_via == PAID.id


async def test_without_any_host_nothing_is_sent_and_the_way_out_is_offered(desk: Desk) -> None:
    await at_the_bare_one(desk)
    wanted: list[str] = []
    desk.generate.settings_wanted.connect(wanted.append)
    problem = desk.draft.problem()

    desk.generate.generate()
    add = desk.generate.notice.button(Button.ADD_KEY)
    assert add is not None
    has_keyboard = QApplication.focusWidget() is add
    add.click()

    assert problem is not None
    assert problem.kind is Kind.HOST_MISSING
    assert desk.generate.reason == "Nobody can host the files for Bare"
    assert "Add a key of Acme or Bolt" in desk.generate.notice.hint
    assert has_keyboard
    assert wanted == [PAID.id]
    assert desk.studio.queue.enqueued == []


async def test_the_question_about_public_uploads_is_about_the_host(desk: Desk) -> None:
    await at_the_bare_one(desk, PAID.id)
    desk.studio.settings.update(upload_consent=frozenset())

    desk.generate.generate()
    title = desk.generate.notice.title
    agree = desk.generate.notice.button(AGREE)
    assert agree is not None
    agree.click()

    assert title == "Acme makes uploaded files public"
    assert desk.studio.settings.choices.upload_consent == {PAID.id}
    assert [request.inputs_via for request, _, _ in desk.studio.queue.enqueued] == [PAID.id]


async def test_a_quality_that_a_provider_lacks_comes_back_with_the_next_one(desk: Desk) -> None:
    await at_the_bare_one(desk, PAID.id)
    desk.draft.choose_tier(Tier.PRO)
    at_the_bare = desk.draft.tier, lines(desk.generate.choices.tier)

    desk.draft.choose_provider(PAID.id)

    assert at_the_bare == (Tier.STANDARD, ["Standard"])
    assert desk.draft.tier is Tier.PRO


# --- elements, which an earlier run brings along -----------------------------------------------------------------------

EARLIER = a_request(
    source="/clips/street.mp4",
    prompt="Let @Element1 follow @Element2 as in @Image1",
    images=(Image(place="https://example.org/snow.png"),),
    elements=(Element(frontal="/e/mia.png", angles=("/e/left.png", "/e/right.png")), Element(frontal="/e/tom.png")),
)


async def test_the_elements_of_an_earlier_run_come_back_and_are_sent_again(desk: Desk) -> None:
    await at_the_bare_one(desk, PAID.id)

    desk.draft.fill_from(EARLIER)
    await desk.until(lambda: not desk.draft.is_reading)
    tiles = desk.window.references.element_tiles()

    assert desk.draft.provider is PAID
    assert desk.draft.request().elements == EARLIER.elements
    assert desk.draft.request().images == EARLIER.images
    assert [tile.accessibleName() for tile in tiles] == ["Element 1, mia, front + 2 angles", "Element 2, tom, front"]
    assert desk.window.references._count.text() == "3 of 4"
    assert desk.draft.room_for(4) == 1


async def test_a_provider_without_elements_says_so_at_the_tiles_and_names_those_that_have_them(desk: Desk) -> None:
    await at_the_bare_one(desk, PAID.id)
    desk.draft.fill_from(EARLIER)
    await desk.until(lambda: not desk.draft.is_reading)

    desk.draft.choose_provider(BARE.id)
    tile = desk.window.references.element_tiles()[0]
    await desk.settle()
    desk.generate.generate()

    assert tile.problem == "Bare takes no elements; Acme and Bolt do"
    assert tile.accessibleDescription() == tile.problem
    assert desk.generate.reason == tile.problem
    assert QApplication.focusWidget() is tile
    assert desk.studio.queue.enqueued == []


async def test_an_element_is_inserted_removed_and_the_others_keep_their_tokens(desk: Desk) -> None:
    await at_the_bare_one(desk, PAID.id)
    desk.draft.fill_from(EARLIER)
    first, second = desk.window.references.element_tiles()

    second.click()
    inserted = desk.draft.prompt
    desk.draft.replace_prompt(EARLIER.prompt)
    first.removed.emit()

    assert "@Element2 " in inserted.replace(EARLIER.prompt, "")
    assert desk.draft.prompt == "Let @Element follow @Element1 as in @Image1"
    assert [tile.number for tile in desk.window.references.element_tiles()] == [1]


async def test_more_references_than_the_provider_takes_are_said_at_the_one_that_is_too_many(desk: Desk) -> None:
    await at_the_bare_one(desk, PAID.id)
    images = tuple(Image(place=f"https://example.org/{n}.png") for n in range(7))

    desk.draft.fill_from(replace(EARLIER, prompt="Snow", elements=(), images=images))
    await desk.until(lambda: not desk.draft.is_reading)
    problem = desk.draft.problem()

    assert problem is not None
    assert (problem.kind, problem.subject) == (Kind.TOO_MANY_REFERENCES, "image:7")
    assert [tile.problem for tile in desk.window.references.tiles()[4:]] == ["May be refused", "", "One too many"]


async def test_an_element_with_too_many_angles_says_so_at_its_tile(desk: Desk) -> None:
    await at_the_bare_one(desk, PAID.id)
    element = Element(frontal="/e/mia.png", angles=tuple(f"/e/{n}.png" for n in range(4)))

    desk.draft.fill_from(replace(EARLIER, prompt="Snow", images=(), elements=(element,)))
    tile = desk.window.references.element_tiles()[0]

    assert tile.problem == "Too many angles"
    assert desk.generate.reason == "Element 1: this element has too many angles"
    assert tile.fix.text() == "Remove angle 4"

    tile.fix.click()

    assert tile.problem != "Too many angles"
    assert desk.draft.value.elements[0].angles == element.angles[:3]


async def test_what_only_some_documents_accept_is_a_calm_word_at_its_tile_and_stops_nothing(desk: Desk) -> None:
    await at_the_bare_one(desk, PAID.id)
    images = tuple(Image(place=f"https://example.org/{n}.png") for n in range(5))

    desk.draft.fill_from(replace(EARLIER, prompt="Snow", elements=(), images=images))
    await desk.until(lambda: not desk.draft.is_reading)
    fifth = desk.window.references.tiles()[4]

    assert fifth.problem == "May be refused"
    assert fifth.accessibleDescription() == (
        "5 references may be too many: only its newest page, read 2026-09-01, takes more than 4"
    )
    assert desk.window.references.tiles()[3].problem == ""
    assert desk.generate.readiness().ok


async def test_a_run_whose_clip_was_on_the_internet_asks_for_a_file(desk: Desk) -> None:
    await at_the_bare_one(desk, PAID.id)

    desk.draft.fill_from(replace(EARLIER, source="https://example.org/clip.mp4"))

    assert desk.draft.source is not None
    assert desk.draft.source.path.name == "street.mp4"
    assert desk.window.toast.words.startswith("The clip of that run is on the internet")


async def test_a_clip_that_only_some_documents_accept_has_a_calm_word_on_its_card(desk: Desk) -> None:
    await at_the_bare_one(desk, PAID.id)
    desk.studio.media.clips["wide.mp4"] = replace(FACTS, width_px=4000, height_px=1000)

    desk.draft.set_source(Path("/clips/wide.mp4"))
    await desk.until(lambda: not desk.draft.is_reading)

    fits = desk.window.source.card.fits
    assert fits.words == "3840×960 px may be too large; 2160 px is safe"
    assert fits.why == "3840×960 px may be too large: only its newest page, read 2026-09-01, takes more than 2160 px"
    assert desk.window.source.card.fits.tone == "warning"
    assert desk.generate.readiness().ok


async def test_the_bar_stays_one_row_in_fewer_words_where_it_is_narrow(desk: Desk) -> None:
    await at_the_bare_one(desk, PAID.id)
    bar, brief = desk.generate.choices, []
    for width in range(1440, 900, -20):
        desk.window.resize(width, 800)
        await desk.settle()
        if bar.via.text() == "Via Acme":
            brief.append(width)
            assert bar.height() < 2 * bar.provider.height()

    desk.window.resize(1800, 800)
    await desk.settle()

    assert brief
    assert bar.sound.accessibleName() == "Keep sound"
    assert (bar.via.text(), bar.sound.text()) == ("Files via Acme", "Keep sound")
