"""How everything looks: the only place with a colour or a pixel number.

A widget that paints by itself asks `tokens(self.palette())`, so that it follows light and dark without knowing the
theme, and repaints on `QEvent.Type.PaletteChange`. Lengths go through `px`, so that they grow with the text.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontInfo, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory

Choice = Literal["system", "light", "dark"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """The colours of one theme by their meaning, as `#rrggbb`. Neutral greys: a tint would bias colour judgement."""

    window: str
    panel: str
    raised: str
    line: str
    edge: str
    """An edge that carries meaning, such as the outline of a drop area: at least 3:1 on its ground."""
    text: str
    secondary: str
    faint: str
    viewer: str
    viewer_text: str
    accent: str
    """What spends money, the playhead, the chosen take. Nothing else."""
    on_accent: str
    image: str
    on_image: str
    element: str
    on_element: str
    good: str
    warning: str
    bad: str
    change: str
    """How much two clips differ. A grey: where everything changed there is much of it, right below the picture."""


DARK = Tokens(
    window="#141414",
    panel="#1c1c1c",
    raised="#262626",
    line="#303030",
    edge="#727272",
    text="#ececec",
    secondary="#a3a3a3",
    faint="#909090",
    viewer="#0c0c0c",
    viewer_text="#ececec",
    accent="#ff8a4c",
    on_accent="#1a0f08",
    image="#4fc3b5",
    on_image="#08211e",
    element="#b39dfa",
    on_element="#150d2e",
    good="#7ccf8a",
    warning="#f0b849",
    bad="#ff7b72",
    change="#7a7a7a",
)
LIGHT = Tokens(
    window="#e9e9e9",
    panel="#f5f5f5",
    raised="#ffffff",
    line="#d2d2d2",
    edge="#838383",
    text="#1b1b1b",
    secondary="#565656",
    faint="#656565",
    viewer="#2a2a2a",
    viewer_text="#ececec",
    accent="#b93c0a",
    on_accent="#ffffff",
    image="#0f766e",
    on_image="#ffffff",
    element="#6d4fd1",
    on_element="#ffffff",
    good="#29703a",
    warning="#8f5f00",
    bad="#b42318",
    change="#7c7c7c",
)

BASE_PX = 13
"""Size of the base text at scale 1."""
SMALL_PX = 12
PROMPT_PX = 15
HEADING_PX = 17
GAP = 4
"""The grid. 16 around panels, 8 between cards, 12 inside them."""
INSIDE = 12
BETWEEN = 8
AROUND = 16
RADIUS = 8
RADIUS_INSIDE = 6
CONTROL = 34
"""Height of a control."""
BIG_CONTROL = 38
ICON = 16
BIG_ICON = 36
INPUTS_WIDTH = 276
TAKES_WIDTH = 308
HEADER = 40
STATUS = 31
"""Height of the status line, its rule not counted."""
FOOT = 252
"""What stands below the viewer before there is a clip: margin, prompt, buttons, status."""
HEAD = 28
"""Height of the line that names a panel."""
TILE_ASPECT = 0.62
MORE_WIDTH = 24
MORE_HEIGHT = 18
TRIM_HEIGHT = 44
"""Of the strip of pictures that the used part of the source is chosen on."""
TRIM_GRAB = 12
"""How far from the edge of that part it can still be taken hold of."""
TRIM_BAR = 5
"""Width of what is seen of such a handle."""
TRIM_PART_LEAST = 96
"""Of a long source the longest part there can be is this wide."""
THUMB_WIDTH = 92
THUMB_HEIGHT = 52
BADGE = 20
DRAGGED = 72
"""Longer side of a picture in the person's hand."""
ADD_WIDTH = 220
"""Narrower than this the rows that add a reference stand below the tiles, not beside them."""
GRIP = 14
"""How far from the edge of a crop it can still be taken hold of."""
CROP_SIZE = (860, 660)
LARGE_LOOK = 720
"""Longer side of a picture that is looked at larger."""
FLASH_MS = 600
"""How long a reference is lit that the person was sent to. It stands still, so less motion changes nothing."""
BAR_RGB = (128, 128, 128)
"""Of the bars beside a padded picture, as they are made: a grey that adds neither light nor colour."""
LIMIT_WIDTH = 110
"""Of a field for an amount of money."""
ELEMENT_SIDE = 56
"""Side of an element's frontal picture on its tile."""
ANGLE_SIDE = 36
"""The same for its angles."""
DETAILS_HEIGHT = 120
"""Of a provider's reply, before it scrolls."""
LIBRARY_SIZE = (820, 600)
LIBRARY_LIST = 320
"""Least width of the list of elements; with less room what is chosen stands below it."""
LIBRARY_DETAILS = 300
NOTES_HEIGHT = 84
COMPARE_SIZE = (1080, 720)
COMPARE_COLUMN = 190
"""Narrower than this per provider, they stand below each other instead of side by side."""
COMPARE_LABEL = 96
"""Width of the names of what is compared."""
STRIP = 20
"""Height of the strip that shows how much each frame differs."""
STRIP_LEAST = 4
"""Height of the smallest change in it: to be found at a glance, and no taller than it is."""
STRIP_BAR = 2
"""Width of its narrowest bar. They stand without gaps: a contour is calmer than a fence."""
HOVER_PICTURE = 144
"""Width of a picture over the scrub bar."""
LEVEL = 88
"""Width of a slider for opacity, gain or volume."""
HEAT_LEAST, HEAT_MOST = "#e0401a", "#ffdd66"
"""Laid over a picture where two clips differ a little, and where much. The same on light and dark: a picture is neither."""
KNOB = 32
"""Side of the knob that the wipe is moved by."""
RING = 2
PROGRESS = 3
DRAWER_BELOW = 1180
"""Narrower than this the takes become a drawer."""
STRIP_BELOW = 900
"""Narrower than this the inputs become a strip above the prompt."""
TABS_FROM = 1100
"""Narrower than this the drafts get a line of their own below the menus."""
TABS_LINE = 36
TAB_HEIGHT = 28
TAB_LEAST = 104
TAB_MOST = 190
NAME_FROM = 560
"""Narrower than this the header leaves the program's name out."""
SPENDING_FROM = 800
"""Narrower than this the header leaves out what was spent today."""
STAGE_LEAST = 200
REASON_LEAST = 150
"""Narrower than this a reason beside the button would be a column of single words."""
PROMPT_MOST = 156
PROMPT_LINE = 25
"""Height of a line of the prompt, with a chip in it or not: nothing moves when one is inserted."""
CHIP_PX = 13
CHIP_HEIGHT = 20
CHIP_THUMB = 24
"""Width of the picture in a chip."""
CHIP_AIR = 5
CHIP_ICON = 14
CHIP_NAME_MOST = 150
CHIP_RADIUS = 5
PICK_WIDTH = 260
"""Of the list that opens at an `@`."""
PICK_ROW = 34
PICK_PICTURE = 40
CARD_PICTURE = 200
"""Width of the picture that is shown over a chip."""
WINDOW_SIZE = (1440, 900)
WINDOW_LEAST = (640, 480)
FRAME = 36
"""Room for the title bar of the system around the window."""
DISABLED = 0.45


def tokens(palette: QPalette) -> Tokens:
    """The tokens that belong to this palette."""
    # A stylesheet puts its own colours into most roles of a widget's palette; this one it leaves alone.
    return DARK if palette.color(QPalette.ColorRole.Mid).lightness() < 128 else LIGHT


def px(length: float) -> int:
    """A length at scale 1 as pixels at the present text size."""
    size = QGuiApplication.font().pixelSize()
    return round(length * size / BASE_PX) if size > 0 else round(length)


def mix(ground: str, over: str, share: float) -> str:
    """`over` laid on `ground` with the opacity `share`, as `#rrggbb`."""
    a, b = QColor(ground), QColor(over)
    parts = ((x * (1 - share) + y * share) for x, y in zip(_rgb(a), _rgb(b), strict=True))
    return "#" + "".join(f"{round(part):02x}" for part in parts)


def _rgb(colour: QColor) -> tuple[int, int, int]:
    return colour.red(), colour.green(), colour.blue()


def contrast(one: str, other: str) -> float:
    """Contrast of two colours after WCAG 2, between 1 and 21."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    def linear(part: float) -> float:
        return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4

    c = QColor(colour)
    return 0.2126 * linear(c.redF()) + 0.7152 * linear(c.greenF()) + 0.0722 * linear(c.blueF())


def tabular(font: QFont) -> QFont:
    """The same font with digits of equal width, so that a running time does not jitter."""
    figures = QFont(font)
    figures.setFeature(QFont.Tag("tnum"), 1)
    return figures


class Theme(QObject):
    """Dresses the application, and again when the system or the person changes between light and dark."""

    changed = Signal()

    def __init__(self, app: QApplication, *, scale: float | None = None) -> None:
        super().__init__(app)
        self._app = app
        self._scale = _system_scale(app) if scale is None else scale
        self._choice: Choice = "system"
        if app.style().name() != "fusion":
            # Where it is the system's own choice it is there already, and a second one would cost a start 5 ms.
            app.setStyle(QStyleFactory.create("Fusion"))
        app.setFont(_font(app, self._scale))
        app.styleHints().colorSchemeChanged.connect(self._dress)
        self._dress()

    @property
    def choice(self) -> Choice:
        return self._choice

    @property
    def is_dark(self) -> bool:
        return tokens(self._app.palette()) is DARK

    def choose(self, choice: Choice) -> None:
        """Use light, dark, or what the system uses."""
        self._choice = choice
        scheme = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}.get(choice, Qt.ColorScheme.Unknown)
        # Tells the window frame of the system too.
        self._app.styleHints().setColorScheme(scheme)
        self._dress()

    def _dress(self) -> None:
        # A system that does not say gets dark: the usual ground for judging pictures.
        system_is_light = self._app.styleHints().colorScheme() == Qt.ColorScheme.Light
        is_light = self._choice == "light" or (self._choice == "system" and system_is_light)
        wanted = LIGHT if is_light else DARK
        self._app.setPalette(make_palette(wanted))
        self._app.setStyleSheet(stylesheet(wanted))
        self.changed.emit()


def _system_scale(app: QApplication) -> float:
    """How much larger than usual the person asked text to be, through the font size or the text density."""
    font = app.font()
    screen = app.primaryScreen()
    density = screen.logicalDotsPerInch() / 96
    points = font.pointSizeF()
    return min(max(density, 1.0) * max(points / 11 if points > 0 else 1.0, 1.0), 2.5)


def _font(app: QApplication, scale: float) -> QFont:
    # Asking for the one family is much quicker than listing all.
    is_there = QFontInfo(QFont("Inter")).family() == "Inter"
    font = QFont("Inter" if is_there else QFontInfo(app.font()).family())
    font.setPixelSize(round(BASE_PX * scale))
    font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
    return font


def make_palette(t: Tokens) -> QPalette:
    """The palette of one theme."""
    role = QPalette.ColorRole
    palette = QPalette()
    for which, colour in {
        role.Window: t.window,
        role.WindowText: t.text,
        role.Base: t.raised,
        role.AlternateBase: t.panel,
        role.Text: t.text,
        role.Button: t.raised,
        role.ButtonText: t.text,
        role.BrightText: t.text,
        role.ToolTipBase: t.raised,
        role.ToolTipText: t.text,
        role.PlaceholderText: t.faint,
        role.Highlight: mix(t.raised, t.text, 0.25),
        role.HighlightedText: t.text,
        role.Link: t.text,
        role.LinkVisited: t.text,
        role.Light: t.line,
        role.Midlight: t.line,
        role.Mid: t.line,
        role.Dark: t.line,
        role.Shadow: t.viewer,
        role.Accent: t.accent,
    }.items():
        palette.setColor(which, QColor(colour))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor(mix(t.panel, t.text, DISABLED)))
    return palette


def stylesheet(t: Tokens) -> str:
    """One stylesheet for the whole program, built from the tokens."""
    values = {field.name: getattr(t, field.name) for field in fields(t)}
    values |= {
        "soft": mix(t.raised, t.text, 0.08),
        "hover": mix(t.raised, t.text, 0.06),
        "pressed": mix(t.raised, t.viewer, 0.12),
        "panel_hover": mix(t.panel, t.text, 0.06),
        "chosen": mix(t.raised, t.text, 0.13),
        "switched_on": mix(t.window, t.text, 0.2),
        "accent_hover": mix(t.accent, "#ffffff", 0.08),
        "accent_pressed": mix(t.accent, "#000000", 0.10),
        "accent_off": mix(t.window, t.accent, 0.36),
        "on_accent_off": mix(t.window, t.text, 0.66),
        "drop": mix(t.panel, t.accent, 0.12),
        "off": mix(t.raised, t.text, DISABLED),
        "bad_ground": mix(t.raised, t.bad, 0.08),
        "bad_edge": mix(t.raised, t.bad, 0.45),
        "warning_ground": mix(t.raised, t.warning, 0.08),
        "warning_edge": mix(t.raised, t.warning, 0.45),
        "selection": mix(t.raised, t.text, 0.25),
        "handle": mix(t.panel, t.text, 0.22),
        "groove": mix(t.window, t.text, 0.22),
    }
    lengths = {
        "base": BASE_PX,
        "small": SMALL_PX,
        "prompt_px": PROMPT_PX,
        "heading": HEADING_PX,
        "radius": RADIUS,
        "inner": RADIUS_INSIDE,
        "p2": 2,
        "p4": GAP,
        "p6": 6,
        "p8": BETWEEN,
        "p12": INSIDE,
        "p14": 14,
        "p16": AROUND,
        "p18": 18,
        "p24": 24,
        "control": CONTROL - 2,
        "big": BIG_CONTROL,
        "square": 28,
        "menu": 180,
        "bar": 10,
        "thin": RING + 1,
    }
    values |= {name: f"{px(length)}px" for name, length in lengths.items()}
    sheet = _SHEET
    # Longest names first: `@p16` must not be read as `@p1` and a 6.
    for name in sorted(values, key=len, reverse=True):
        sheet = sheet.replace(f"@{name};", f"{values[name]};").replace(f"@{name} ", f"{values[name]} ")
    return sheet


_SHEET = """
QWidget { font-size: @base; }
QAbstractButton { outline: none; }
QMainWindow, QDialog { background: @window; }
QToolTip { background: @raised; color: @text; border: 1px solid @line; padding: @p4 @p8; }

[ground="panel"] { background: @panel; }
[ground="window"] { background: @window; }
[ground="viewer"] { background: @viewer; border-radius: @radius; }
QFrame[ground="card"] { background: @raised; border: 1px solid @raised; border-radius: @radius; }
QFrame[ground="card"][edge="line"] { border: 1px solid @line; }
QFrame[ground="card"][edge="good"] { border: 1px solid @line; }
QFrame[ground="card"][edge="warning"] { background: @warning_ground; border: 1px solid @warning_edge; }
QFrame[ground="card"][edge="bad"] { background: @bad_ground; border: 1px solid @bad_edge; }
QFrame#takeCard { background: @raised; border: 2px solid @raised; border-radius: @radius; }
QFrame#takeCard[hover="true"] { background: @hover; border: 2px solid @hover; }
QFrame#takeCard[edge="warning"] { background: @warning_ground; border: 2px solid @warning_ground; }
QFrame#takeCard[chosen="true"] { border: 2px solid @accent; }
QFrame[rule="across"] { background: @line; border: none; }
QFrame[rule="down"] { background: @line; border: none; }

QLabel { background: transparent; color: @text; }
QLabel[role="name"] { font-weight: 600; font-size: @base; }
QLabel[role="section"] { font-weight: 600; font-size: @small; color: @secondary; }
QLabel[role="strong"] { font-weight: 600; }
QLabel[role="heading"] { font-weight: 600; font-size: @heading; }
QLabel[role="viewer-heading"] { font-weight: 600; font-size: @heading; color: @viewer_text; }
QLabel[role="viewer-text"] { color: @viewer_text; }
QLabel[role="secondary"] { font-size: @small; color: @secondary; }
QLabel[role="small"] { font-size: @small; }
QLabel[role="price"] { font-weight: 600; font-size: @prompt_px; }
QLabel[role="faint"] { font-size: @small; color: @faint; }
QLabel[role="good"] { font-size: @small; color: @good; }
QLabel[role="warning"] { font-size: @small; color: @warning; }
QLabel[role="bad"] { font-size: @small; color: @bad; }
QLabel:disabled { color: @off; }

QPushButton { background: @raised; color: @text; border: 1px solid @line; border-radius: @radius;
  padding: 0 @p12; min-height: @control; }
QPushButton:hover { background: @hover; }
QPushButton:pressed, QPushButton:open { background: @pressed; }
QPushButton:checked { background: @chosen; }
QPushButton:checked:disabled { background: @raised; }
QPushButton:disabled { color: @off; }
QPushButton::menu-indicator { image: none; width: 0; }
QPushButton[kind="primary"] { background: @accent; color: @on_accent; border: none; font-weight: 600;
  padding: 0 @p18; min-height: @big; }
QPushButton[kind="primary"]:hover { background: @accent_hover; }
QPushButton[kind="primary"]:pressed { background: @accent_pressed; }
QPushButton[kind="primary"]:disabled { background: @accent_off; color: @on_accent_off; }
QPushButton[kind="viewer"] { min-height: @big; padding: 0 @p14; }
QPushButton[kind="small"] { background: @soft; min-height: @square; padding: 0 @p8; font-size: @small; border-radius: @inner; }
QPushButton[kind="small"]:hover { background: @chosen; }
QPushButton[kind="small"]:checked { background: @switched_on; border: 1px solid @edge; }
QPushButton[kind="small"]:disabled { color: @off; }
QPushButton[kind="part"] { background: transparent; border: none; border-radius: @p4; color: @text; padding: 0;
  min-height: @p18; font-size: @small; text-align: left; }
QPushButton[kind="part"]:hover { text-decoration: underline; }
QPushButton[kind="part"]:disabled { color: @secondary; }
QPushButton[kind="spend"] { background: @accent; color: @on_accent; border: none; font-weight: 600;
  min-height: @square; padding: 1px @p8; font-size: @small; border-radius: @inner; }
QPushButton[kind="spend"]:hover { background: @accent_hover; }
QPushButton[kind="spend"]:pressed { background: @accent_pressed; }
QPushButton[kind="link"] { background: transparent; border: none; color: @text; padding: 0 @p2; min-height: @p24;
  font-size: @small; text-decoration: underline; }
QPushButton[kind="link"]:hover { background: transparent; color: @secondary; }
QToolButton { background: transparent; border: none; border-radius: @inner; padding: @p4; color: @text; }
QToolButton:hover { background: @panel_hover; }
QToolButton:pressed { background: @chosen; }
QToolButton:checked { background: @switched_on; }
QToolButton[on="raised"]:hover { background: @hover; }
QToolButton[on="line"] { padding: 0; }
QToolButton[on="line"]:hover { background: @hover; }
QToolButton[on="picture"] { background: @panel; border-radius: @inner; padding: @p2; }
QToolButton[on="picture"]:hover { background: @hover; }
QToolButton::menu-indicator { image: none; width: 0; }
QToolButton[kind="words"] { color: @secondary; padding: @p4 @p6; }
QToolButton[kind="words"]:hover { color: @text; }
QToolButton[kind="moment"] { padding: @p4 @p6; }
QToolButton:disabled { color: @off; }
QFrame[kind="segment"] { background: @raised; border-radius: @radius; }
QFrame[kind="segment"] QToolButton { padding: 0; margin: @p2 ; }
QFrame[kind="segment"] QToolButton:hover { background: @hover; }
QFrame[kind="segment"] QToolButton:checked { background: @chosen; }

QSlider[kind="level"]::groove:horizontal { background: @groove; height: @thin; border-radius: 1px; }
QSlider[kind="level"]::sub-page:horizontal { background: @secondary; height: @thin; border-radius: 1px; }
QSlider[kind="level"]::handle:horizontal { background: @text; width: @p12; height: @p12; margin: -@p6 0; border-radius: @p6; }
QSlider[kind="level"]::handle:horizontal:hover { background: @text; }

QPlainTextEdit, QTextEdit { background: transparent; color: @text; border: none; font-size: @prompt_px;
  selection-background-color: @selection; selection-color: @text; }
QPlainTextEdit[kind="details"] { background: @panel; color: @secondary; border: 1px solid @line; border-radius: @inner;
  padding: @p4; font-size: @small; }
QPushButton[kind="clause"] { background: transparent; color: @secondary; border: 1px solid @line; border-radius: @p12;
  padding: 0 @p8; min-height: @p24; font-size: @small; }
QPushButton[kind="clause"]:hover { background: @hover; color: @text; }
QPushButton[kind="clause"]:pressed { background: @pressed; }
QPushButton[kind="clause"]:checked { background: @chosen; color: @text; border: 1px solid @edge; }
QFrame#picker, QFrame#chipCard { background: @raised; border: 1px solid @edge; border-radius: @radius; }
QFrame#picker QListWidget { background: transparent; border: none; outline: none; }
QFrame#picker QListWidget::item { color: @text; padding: 0 @p4; border-radius: @inner; }
QFrame#picker QListWidget::item:selected { background: @chosen; color: @text; }
QListWidget[kind="rows"] { background: @raised; border: 1px solid @line; border-radius: @radius; padding: @p4; outline: none; }
QListWidget[kind="rows"]::item { color: @text; padding: @p6; border-radius: @inner; }
QListWidget[kind="rows"]::item:selected { background: @chosen; color: @text; }
QFrame#promptField { background: @raised; border: 1px solid @line; border-radius: @radius; }
QFrame#promptField[writing="true"] { border: 1px solid @edge; }
QLineEdit { background: @raised; color: @text; border: 1px solid @line; border-radius: @radius;
  padding: 0 @p8; min-height: @control; selection-background-color: @selection; selection-color: @text; }
QLineEdit:focus { border: 1px solid @edge; }
QLineEdit:disabled { color: @off; }
QLineEdit[kind="small"] { padding: 0 @p6; min-height: @p24; font-size: @small; border-radius: @inner; }
QLineEdit[wrong="true"] { border: 1px solid @bad; }
QLineEdit[kind="in-place"] { min-height: 0; padding: 0 @p4; border-radius: @inner; }

QTabBar#drafts { background: transparent; }
QTabBar#drafts::tab { background: transparent; color: @secondary; border: none; border-radius: @inner; margin: @p2 ;
  padding: 0 @p6; font-size: @base; }
QTabBar#drafts::tab:hover { background: @hover; color: @text; }
QTabBar#drafts::tab:selected { background: @chosen; color: @text; }
QTabBar#drafts::scroller { width: @p24; }
QLineEdit[kind="tab"] { background: @window; border: 1px solid @edge; border-radius: @inner; padding: 0 @p6; min-height: 0; }
QListView { background: transparent; border: none; outline: none; }

QMenuBar { background: transparent; color: @secondary; padding: 0; }
QMenuBar::item { background: transparent; padding: @p6 @p8; border-radius: @inner; margin: 0; }
QToolButton#qt_menubar_ext_button { padding: 0; }
QMenuBar::item:selected { background: @panel_hover; color: @text; }
QMenu { background: @raised; color: @text; border: 1px solid @line; padding: @p4; }
QMenu::item { padding: @p6 @p24 @p6 @p12; border-radius: @inner; min-width: @menu; }
QMenu::item:selected { background: @chosen; }
QMenu::item:disabled { color: @off; }
QMenu::separator { height: 1px; background: @line; margin: @p4 @p8; }
QMenu::indicator { width: @p12; height: @p12; left: @p4; }

QScrollArea { background: transparent; border: none; }
QScrollArea[ground="panel"] { background: @panel; }
QScrollArea[ground="window"] { background: @window; }
QScrollArea > QWidget > QWidget[clear="true"] { background: transparent; }
QScrollBar:vertical { background: transparent; width: @bar; margin: 0; }
QScrollBar::handle:vertical { background: @handle; border-radius: @p4; min-height: @p24; margin: 1px; }
QScrollBar::handle:vertical:hover { background: @edge; }
QScrollBar:horizontal { background: transparent; height: @bar; margin: 0; }
QScrollBar::handle:horizontal { background: @handle; border-radius: @p4; min-width: @p24; margin: 1px; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
"""
