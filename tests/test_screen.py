"""The system packages of packaging/dev_system.py are enough for a real window."""

from __future__ import annotations

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot


@pytest.mark.xcb
def test_a_window_opens_on_a_real_screen(qtbot: QtBot) -> None:
    label = QLabel("Kling Studio")
    qtbot.addWidget(label)
    label.resize(320, 200)

    with qtbot.waitExposed(label):
        label.show()

    screen = QGuiApplication.primaryScreen()
    assert QGuiApplication.platformName() == "xcb"
    assert screen.grabWindow(label.winId()).size() == label.size() * screen.devicePixelRatio()
