from __future__ import annotations

import pytest

from klingstudio.ui.theme import DARK, LIGHT, Tokens, contrast

THEMES = [pytest.param(DARK, id="dark"), pytest.param(LIGHT, id="light")]


@pytest.mark.parametrize("t", THEMES)
@pytest.mark.parametrize("ground", ["window", "panel", "raised"])
@pytest.mark.parametrize("token", ["text", "secondary", "faint", "image", "element", "good", "warning", "bad"])
def test_text_can_be_read_on_every_ground(t: Tokens, ground: str, token: str) -> None:
    assert contrast(getattr(t, token), getattr(t, ground)) >= 4.5


@pytest.mark.parametrize("t", THEMES)
def test_text_on_colour_can_be_read(t: Tokens) -> None:
    assert contrast(t.on_accent, t.accent) >= 4.5
    assert contrast(t.on_image, t.image) >= 4.5
    assert contrast(t.on_element, t.element) >= 4.5
    assert contrast(t.viewer_text, t.viewer) >= 4.5


@pytest.mark.parametrize("t", THEMES)
@pytest.mark.parametrize("ground", ["window", "panel", "raised"])
@pytest.mark.parametrize("token", ["accent", "edge", "change"])
def test_edges_and_icons_that_mean_something_can_be_seen(t: Tokens, ground: str, token: str) -> None:
    assert contrast(getattr(t, token), getattr(t, ground)) >= 3


def test_contrast_is_the_one_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("t", THEMES)
def test_greys_are_neutral(t: Tokens) -> None:
    greys = (t.window, t.panel, t.raised, t.line, t.edge, t.text, t.secondary, t.faint, t.viewer, t.change)

    assert all(grey[1:3] == grey[3:5] == grey[5:7] for grey in greys)
