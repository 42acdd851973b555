"""Lucide icons, drawn in a colour of the palette and sharp at every device pixel ratio."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QByteArray, QEvent, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPaintEvent, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QPushButton, QSizePolicy, QToolButton, QWidget

from klingstudio.paths import resource
from klingstudio.ui import theme
from klingstudio.ui.widgets.labels import plain_tip

_LOOKS = (QEvent.Type.PaletteChange, QEvent.Type.StyleChange, QEvent.Type.DevicePixelRatioChange)


@lru_cache(maxsize=128)
def _source(name: str) -> str:
    return resource(f"icons/{name}.svg").read_text(encoding="utf-8")


@lru_cache(maxsize=512)
def pixmap(name: str, colour: str, size_px: int, ratio: float = 1.0) -> QPixmap:
    """One icon as a picture of `size_px` logical pixels."""
    side = round(size_px * ratio)
    picture = QPixmap(side, side)
    picture.fill(Qt.GlobalColor.transparent)
    renderer = QSvgRenderer(QByteArray(_source(name).replace("currentColor", colour).encode()))
    painter = QPainter(picture)
    renderer.render(painter, QRectF(0, 0, side, side))
    painter.end()
    picture.setDevicePixelRatio(ratio)
    return picture


@lru_cache(maxsize=256)
def icon(name: str, colour: str, off: str, size_px: int, ratio: float, room_px: int = 0) -> QIcon:
    """One icon for a button: `colour` in general, `off` where the button is disabled.

    `room_px` is left free between icon and words: before the icon where it is negative, else behind it.
    """
    made = QIcon()
    for mode, ink in ((QIcon.Mode.Normal, colour), (QIcon.Mode.Disabled, off)):
        made.addPixmap(_with_room(pixmap(name, ink, size_px, ratio), room_px, ratio), mode)
    return made


def _with_room(picture: QPixmap, room_px: int, ratio: float) -> QPixmap:
    if not room_px:
        return picture
    wide = QPixmap(picture.width() + round(abs(room_px) * ratio), picture.height())
    wide.fill(Qt.GlobalColor.transparent)
    wide.setDevicePixelRatio(ratio)
    painter = QPainter(wide)
    painter.drawPixmap(max(0, -room_px), 0, picture)
    painter.end()
    return wide


def app_icon() -> QIcon:
    """The program's own icon."""
    made = QIcon()
    for side in (16, 32, 48, 64, 128, 256):
        made.addPixmap(pixmap("app", "", side))
    return made


class IconLabel(QWidget):
    """An icon that stands beside words. The colour is the name of a token."""

    def __init__(self, name: str, token: str = "secondary", size: int = theme.ICON, parent: QWidget | None = None):
        super().__init__(parent)
        self._name = name
        self._token = token
        self._size = size
        self.setFixedSize(theme.px(size), theme.px(size))

    def show_icon(self, name: str, token: str) -> None:
        """Change the icon and its colour."""
        self._name, self._token = name, token
        self.update()

    def paintEvent(self, _event: QPaintEvent) -> None:
        colour = getattr(theme.tokens(self.palette()), self._token)
        painter = QPainter(self)
        if not self.isEnabled():
            painter.setOpacity(theme.DISABLED)
        painter.drawPixmap(0, 0, pixmap(self._name, colour, self.width(), self.devicePixelRatioF()))
        painter.end()


class IconButton(QToolButton):
    """A square button with an icon, a spoken name and a tooltip."""

    def __init__(self, name: str, label: str, parent: QWidget | None = None, *, token: str = "text") -> None:
        super().__init__(parent)
        self._icon_name = name
        self._token = token
        self._drawn_for: tuple[theme.Tokens, float] | None = None
        self.setToolTip(plain_tip(label))
        self.setAccessibleName(label)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setIconSize(QSize(theme.px(theme.ICON), theme.px(theme.ICON)))
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self._draw()

    def show_icon(self, name: str, label: str) -> None:
        """Change what the button shows and is called."""
        self._icon_name = name
        self.setToolTip(plain_tip(label))
        self.setAccessibleName(label)
        self._draw()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in _LOOKS and self._drawn_for != (theme.tokens(self.palette()), self.devicePixelRatioF()):
            self._draw()

    def _draw(self) -> None:
        t, ratio = self._drawn_for = theme.tokens(self.palette()), self.devicePixelRatioF()
        colour = getattr(t, self._token)
        off = theme.mix(t.panel, colour, theme.DISABLED)
        self.setIcon(icon(self._icon_name, colour, off, self.iconSize().width(), ratio))


class Button(QPushButton):
    """A push button of one of the program's kinds, with an icon where a name is given.

    Kinds: "" (plain), "primary" (spends money), "small", "link", "viewer".
    """

    icon_room = theme.GAP
    """Room between icon and words; negative where the icon stands behind them."""

    def __init__(self, label: str, parent: QWidget | None = None, *, kind: str = "", icon_name: str = "") -> None:
        super().__init__(label, parent)
        self._icon_name = icon_name
        self._drawn_for: tuple[theme.Tokens, float] | None = None
        self.setProperty("kind", kind)
        self.setAutoDefault(False)
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Fixed)
        self.setIconSize(QSize(theme.px(theme.ICON + abs(self.icon_room)), theme.px(theme.ICON)))
        if kind == "link":
            self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._draw()

    def show_icon(self, name: str) -> None:
        """Change the icon; empty for none."""
        if name != self._icon_name:
            self._icon_name = name
            self._draw()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in _LOOKS and self._drawn_for != (theme.tokens(self.palette()), self.devicePixelRatioF()):
            self._draw()

    def _draw(self) -> None:
        t, ratio = self._drawn_for = theme.tokens(self.palette()), self.devicePixelRatioF()
        if not self._icon_name:
            self.setIcon(QIcon())
            return
        colour = t.on_accent if self.property("kind") == "primary" else t.text
        off = theme.mix(t.raised, colour, theme.DISABLED)
        self.setIcon(icon(self._icon_name, colour, off, self.iconSize().height(), ratio, theme.px(self.icon_room)))
