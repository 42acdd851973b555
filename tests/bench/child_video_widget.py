"""The peer: Qt's own video widget plays a clip once, in a window of the same size. `child_video_widget.py CLIP`."""

from __future__ import annotations

import json
import sys
import time

from PySide6.QtCore import QUrl
from PySide6.QtMultimedia import QMediaPlayer
from PySide6.QtMultimediaWidgets import QVideoWidget
from PySide6.QtWidgets import QApplication

from tests.bench.clips import SETTLED

WIDTH_PX, HEIGHT_PX = 1280, 720


class Peer:
    """Plays as soon as the clip is loaded, and tells what it cost."""

    def __init__(self, path: str) -> None:
        self._widget = QVideoWidget()
        self._widget.setFixedSize(WIDTH_PX, HEIGHT_PX)
        self._widget.show()
        self._widget.videoSink().videoFrameChanged.connect(self._count)
        self._player = QMediaPlayer()
        self._player.setVideoOutput(self._widget)
        self._player.mediaStatusChanged.connect(self._follow)
        self._frames = 0
        self._began_cpu_s = 0.0
        self._player.setSource(QUrl.fromLocalFile(path))

    def _count(self) -> None:
        if self._frames == SETTLED:
            self._began_cpu_s = time.process_time()
        self._frames += 1

    def _follow(self, status: QMediaPlayer.MediaStatus) -> None:
        match status:
            case QMediaPlayer.MediaStatus.LoadedMedia:
                self._player.play()
            case QMediaPlayer.MediaStatus.EndOfMedia:
                cpu_s = time.process_time() - self._began_cpu_s
                print(json.dumps({"cpu_s": cpu_s, "shown": self._frames - SETTLED - 1}))
                QApplication.exit(0)
            case QMediaPlayer.MediaStatus.InvalidMedia:
                print(self._player.errorString(), file=sys.stderr)
                QApplication.exit(1)
            case _:
                pass


app = QApplication([])
peer = Peer(sys.argv[1])
sys.exit(app.exec())
