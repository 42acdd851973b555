"""Types into the prompt of a full draft: how long each key takes until what is found about it is on the screen."""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from pathlib import Path

from PySide6.QtGui import QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from qasync import QEventLoop

from klingstudio.ui.models.bundle import Models
from klingstudio.ui.theme import Theme
from klingstudio.ui.window import Window
from tests.bench.table import at_share
from tests.fakes.studio import FakeStudio

LENGTH = 2200
"""Characters that are there before, a chip in every line."""
TYPED = "Keep the snow of @Image7 and the light as they are, with every face. "


async def type_it(folder: Path) -> dict[str, float]:
    studio, models = FakeStudio(folder), Models()
    window = Window(models, Theme(QApplication.instance(), scale=1.0))  # type: ignore[arg-type]
    window.resize(1440, 900)
    window.show()
    models.attach(studio.as_studio)
    places = [folder / f"{n}.png" for n in range(3)]
    for place in places:
        picture = QImage(640, 480, QImage.Format.Format_RGB32)
        picture.fill(0)
        picture.save(str(place))
    draft, edit = models.draft, window.prompt.edit
    draft.set_source(Path("/clips/street.mp4"))
    draft.add_pictures(places)
    draft.add_element("Mia", str(places[0]))
    sentence = "Let the bank be deep snow as in @Image1, and let @Element1 walk along it. "
    draft.replace_prompt((sentence * LENGTH)[:LENGTH])
    edit.setFocus()
    while draft.is_reading or draft.price is None:
        await asyncio.sleep(0.01)
    took_ms = []
    for character in TYPED * 3:
        began_at = time.perf_counter()
        QTest.keyClicks(edit, character)
        window.prompt.repaint()
        took_ms.append((time.perf_counter() - began_at) * 1000)
        await asyncio.sleep(0)
    remark = window.prompt.remark.words
    window.detach()
    await models.aclose()
    return {"p95_ms": at_share(took_ms, 0.95), "most_ms": max(took_ms), "keys": len(took_ms), "found": bool(remark)}


def main() -> None:
    app = QApplication([])
    app.setQuitOnLastWindowClosed(False)
    loop = QEventLoop(app)
    asyncio.set_event_loop(loop)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(loop.run_until_complete(type_it(Path(folder)))), flush=True)
    # What the window still reads is of no interest any more.
    os._exit(0)


main()
