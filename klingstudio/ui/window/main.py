"""The main window: connects the panels with each other and with the models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QSize, Qt, QUrl, Signal
from PySide6.QtGui import QCloseEvent, QDesktopServices, QKeyEvent, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from klingstudio.ui import theme
from klingstudio.ui.window.opening import Opening
from klingstudio.ui.window.regions import focus_first, go_to, neighbour, next_stop, tab_stops
from klingstudio.ui.window.room import first_size

if TYPE_CHECKING:
    from collections.abc import Sequence

    from klingstudio.domain.draft import DraftElement, DraftImage
    from klingstudio.domain.errors import Problem
    from klingstudio.life import Past
    from klingstudio.store.rescue import Rescue
    from klingstudio.ui.models.bundle import Models
    from klingstudio.ui.window.ended import Ended
    from klingstudio.ui.window.menus import Wishes


class Window(QMainWindow):
    """Made and shown before anything heavy is loaded; `attach` brings it to life."""

    closed = Signal()
    """The person wants to leave. Ends the program's main()."""
    painted = Signal()
    """The window is on screen for the first time."""
    retry_wanted = Signal()
    """Try once more to open the studio."""
    way_wanted = Signal(object, object)
    """How to go on without the journal as it is: Way, and the path of a backup."""
    normal_wanted = Signal()
    """Go on with everything, although the program crashed again and again."""

    def __init__(self, models: Models | None, looks: theme.Theme) -> None:
        """`models`: None for a window that is to be on screen at once; `furnish` follows."""
        super().__init__()
        self._looks = looks
        self._was_painted = False
        self._is_furnished = False
        self.ended: Ended | None = None
        """Tells that the window before did not come to its end."""
        self.setObjectName("window")
        self.setWindowTitle("Kling Studio")
        # A small screen with everything twice as large has less than that.
        self.setMinimumSize(QSize(*theme.WINDOW_LEAST).boundedTo(first_size(self.screen())))
        self.resize(first_size(self.screen()))
        self.setCentralWidget(Opening(self))
        if models is not None:
            self.furnish(models)

    def furnish(self, models: Models) -> None:
        """Build the panels. After that, `painted` is told once more."""
        from klingstudio.ui.widgets.focus import FocusRing
        from klingstudio.ui.widgets.icons import app_icon
        from klingstudio.ui.widgets.progress import Toast
        from klingstudio.ui.window.body import Body
        from klingstudio.ui.window.dialogs import Dialogs
        from klingstudio.ui.window.drops import Drops, PasteKey
        from klingstudio.ui.window.front import Front
        from klingstudio.ui.window.header import Header
        from klingstudio.ui.window.menus import Menus
        from klingstudio.ui.window.way_back import WayBack

        self._models = models
        self.dialogs = Dialogs(self, models, self._looks)
        self.header = Header(models.drafts, self)
        self._pages = QStackedWidget(self)
        self.body = Body(models, self._pages)
        self._pages.addWidget(self.body)
        self.source, self.references = self.body.source, self.body.references
        self.stage, self.prompt = self.body.stage, self.body.prompt
        self.generate, self.takes, self.messages = self.body.generate, self.body.takes, self.body.messages
        self.menus = Menus(self, self.header.bar, self._wishes())
        self.toast = Toast(self.body)
        self.drops = Drops(self, models, stage=self.stage, source=self.source, pictures=self.references)
        PasteKey(self.prompt.edit)
        self.front = Front(models, self.stage, self.takes, self)
        self._way_back = WayBack(models, self.menus, self.body, self.toast, self)
        self.ring = FocusRing(self)
        self.setWindowIcon(app_icon())
        inside = QWidget(self)
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self._pages, stretch=1)
        self._was_painted = False
        self.setCentralWidget(inside)
        self._is_furnished = True
        self._connect()
        self._arrange()
        self._show_source()
        self._show_pictures()
        self._show_theme()

    def _wishes(self) -> Wishes:
        from klingstudio.ui.window.menus import Wishes

        draft, drafts = self._models.draft, self._models.drafts
        return Wishes(
            new_draft=drafts.new,
            open_video=self.source.choose,
            add_images=self.references.choose,
            library=self.dialogs.library,
            sample=self.use_sample,
            remove_video=draft.remove_source,
            duplicate=lambda: drafts.duplicate(drafts.current),
            rename=self.header.rename_draft,
            close_draft=lambda: drafts.close(drafts.current),
            reopen=drafts.reopen,
            step=drafts.step,
            move=lambda by: drafts.move(drafts.current, by),
            quit=self.close,
            undo=draft.undo,
            redo=draft.redo,
            cut=lambda: self._edit("cut"),
            copy=lambda: self._edit("copy"),
            paste=self._paste,
            settings=self._open_settings,
            generate=self.generate.generate,
            compare=self.dialogs.compare,
            insert_image=lambda number: self._insert(draft.value.images, number),
            insert_element=lambda number: self._insert(draft.value.elements, number),
            toggle_takes=self.toggle_takes,
            full_screen=self._full_screen,
            next_region=lambda: self._go_region(1),
            previous_region=lambda: self._go_region(-1),
            shortcuts=self._open_shortcuts,
            about=self.dialogs.about,
            report=self.dialogs.report,
            theme=self.dialogs.choose_theme,
        )

    def _connect(self) -> None:
        models = self._models
        self.header.takes.clicked.connect(self.toggle_takes)
        self.header.looks.clicked.connect(self._flip_theme)
        self.header.settings.clicked.connect(self._open_settings)
        self.header.spending.follow(models.spending)
        self.header.spending.clicked.connect(self._open_budget)
        self.body.help.clicked.connect(self._open_shortcuts)
        self.source.chosen.connect(models.draft.set_source)
        self.source.card.previewed.connect(self.stage.look_at)
        self.source.card.preview_ended.connect(self.stage.end_look)
        self.source.card.folder_wanted.connect(self._show_in_folder)
        self.source.card.marked = self.stage.marked
        self.references.chosen.connect(models.draft.add_pictures)
        self.references.insert_wanted.connect(self.prompt.insert_reference)
        self.references.crop_wanted.connect(self.dialogs.crop)
        self.references.elements.crop_wanted.connect(self.dialogs.crop)
        self.references.elements.library_wanted.connect(self.dialogs.library)
        self.references.said.connect(self.toast.say)
        self.prompt.edit.left.connect(self._leave_prompt)
        self.prompt.add_images_wanted.connect(self.references.choose)
        self.stage.empty.sample_wanted.connect(self.use_sample)
        self.stage.empty.open_wanted.connect(self.source.choose)
        self.stage.shown.connect(self.takes.choose)
        self.stage.shown.connect(self._show_source)
        self.stage.clip_problem.connect(models.problems.show)
        self.stage.said.connect(self.toast.say)
        self.stage.reference_wanted.connect(self._on_reference)
        self.stage.was_attached.connect(self._show_player)
        self.generate.settings_wanted.connect(self.dialogs.settings)
        self.generate.compare_wanted.connect(self.dialogs.compare)
        self.generate.place_wanted.connect(self._go_to)
        self.generate.generated.connect(self._on_generated)
        self.generate.budget_wanted.connect(self._open_budget)
        self.generate.take_wanted.connect(self.front.show)
        self.closed.connect(models.grace.take_back)
        self.takes.run_again.connect(self._run_again)
        self.takes.show_in_folder.connect(self._show_in_folder)
        self.takes.settings_wanted.connect(self.dialogs.settings)
        self.takes.page_wanted.connect(_open_page)
        self.takes.closed.connect(self.toggle_takes)
        models.draft.source_changed.connect(self._show_source)
        models.draft.pictures_changed.connect(self._show_pictures)
        models.accounts.changed.connect(self._on_key)
        models.accounts.key_saved.connect(models.draft.use_keyed_provider)
        models.accounts.changed.connect(models.compare.refresh)
        for signal in (models.draft.changed, models.jobs.added, models.jobs.changed, models.jobs.was_attached):
            signal.connect(self._show_status)
        models.problems.said.connect(self.stage.say)
        models.grace.changed.connect(models.drafts.save)
        self.generate.generated.connect(models.drafts.save)
        self.messages.acted.connect(self._on_message)
        self._looks.changed.connect(self._show_theme)

    # life

    def attach(self, past: Past | None = None) -> None:
        """The models have the studio: load the player and take over the saved looks.

        Args:
            past: how the window before ended. After crashes in a row the player, in which they may have happened, is
                loaded only when the person says so.
        """
        from klingstudio.ui.window.dialogs import theme_choice

        if past is None or not past.is_loop:
            self.stage.attach()
        if past is not None and past.ended_badly:
            self._show_end(past)
        self._looks.choose(theme_choice(self._models.accounts.theme))
        self._show_status()

    def _show_end(self, past: Past) -> None:
        from klingstudio.ui.window.ended import Ended

        jobs = self._models.jobs
        self.ended = ended = Ended(past, going_on=jobs.running, waiting=jobs.needing_answer)
        ended.report_wanted.connect(self.dialogs.report)
        ended.normal_wanted.connect(self._start_normally)
        self.body.show_above(ended)

    def _start_normally(self) -> None:
        self.stage.attach()
        self.normal_wanted.emit()

    def detach(self) -> None:
        """Close files and windows; the program ends."""
        self.stage.detach()
        self.references.detach()
        self.prompt.detach()
        self.dialogs.close()

    def show_failure(self, problem: Problem, rescue: Rescue | None = None) -> None:
        """The studio could not be opened; `rescue`: what else can be done about it than to try again."""
        from klingstudio.ui.window.failure import FailurePage

        self.hide_failure()
        page = FailurePage(problem, rescue, self._pages)
        page.retry_wanted.connect(self.retry_wanted)
        page.way_wanted.connect(self.way_wanted)
        page.quit_wanted.connect(self.close)
        self._pages.addWidget(page)
        self._pages.setCurrentWidget(page)
        page.retry.setFocus(Qt.FocusReason.OtherFocusReason)

    def hide_failure(self) -> None:
        """Try once more."""
        while (page := self._pages.widget(1)) is not None:
            self._pages.removeWidget(page)
            page.deleteLater()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._is_furnished and self._models.jobs.is_sending:
            # The answer to a paid request is on its way; without it the job would be left unconfirmed.
            self.toast.say("Waiting for the provider's answer, at most 10 seconds…")
            self._pages.setEnabled(False)
            event.ignore()
        else:
            event.accept()
        self.closed.emit()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            self.painted.emit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.ActivationChange and self._is_furnished and self.isActiveWindow():
            # Back from another program, which may have changed a picture or moved a take.
            self._models.files.look()
            self._models.takes.look()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        if self._is_furnished:
            self.header.show_width(self.width())
            self.body.resize(self.width(), self.body.height())
            self.body.arrange()
            self._show_status()

    # areas

    def toggle_takes(self) -> None:
        """Open or close the drawer; where the takes are always there, go to them."""
        if self.body.is_drawer:
            self.body.set_drawer_open(not self.body.drawer_is_open)
        if not self.body.is_drawer or self.body.drawer_is_open:
            focus_first(self.takes)
        else:
            self.header.takes.setFocus(Qt.FocusReason.OtherFocusReason)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if not self._is_furnished:
            super().keyPressEvent(event)
        elif event.key() == Qt.Key.Key_Escape and self.body.drawer_is_open:
            self.toggle_takes()
        elif event.key() == Qt.Key.Key_Escape and self.isFullScreen():
            self.showNormal()
        else:
            super().keyPressEvent(event)

    def _full_screen(self) -> None:
        if self.isFullScreen():
            self.showNormal()
        else:
            self.showFullScreen()

    def tab_stops(self) -> list[QWidget]:
        """Every control in the order of the Tab key."""
        above = [self.ended] if self.ended is not None else []
        return tab_stops(
            [self.header, self.toast, *above, self.messages, self.body.fetching, *self.body.regions(), self.body.help]
        )

    def focusNextPrevChild(self, forward: bool) -> bool:
        if not self._is_furnished or self._pages.currentWidget() is not self.body:
            return super().focusNextPrevChild(forward)
        stop = next_stop(self.tab_stops(), QApplication.focusWidget(), forward=forward)
        if stop is not None:
            reason = Qt.FocusReason.TabFocusReason if forward else Qt.FocusReason.BacktabFocusReason
            go_to(stop, reason)
        return stop is not None

    def _go_region(self, by: int) -> None:
        for region in neighbour(self.body.regions(), QApplication.focusWidget(), by):
            if focus_first(region):
                return

    def _go_to(self, place: str) -> None:
        kind, number, *_ = (*place.split(":"), "")
        match kind:
            case "prompt":
                self.prompt.edit.setFocus(Qt.FocusReason.OtherFocusReason)
            case "source":
                focus_first(self.source)
            case "image" if number.isdigit() and int(number) <= len(self.references.tiles()):
                go_to(self.references.tiles()[int(number) - 1], Qt.FocusReason.TabFocusReason)
            case "element" if number.isdigit() and int(number) <= len(self.references.element_tiles()):
                go_to(self.references.element_tiles()[int(number) - 1], Qt.FocusReason.TabFocusReason)
            case _:
                pass

    def _leave_prompt(self) -> None:
        focus_first(self.stage)

    def _edit(self, verb: str) -> None:
        target = QApplication.focusWidget()
        if target is not None and hasattr(target, verb):
            getattr(target, verb)()

    def _paste(self) -> None:
        from klingstudio.ui.window.drops import is_no_text

        target = QApplication.focusWidget()
        if hasattr(target, "paste") and not is_no_text(QApplication.clipboard().mimeData()):
            self._edit("paste")
        else:
            self.drops.paste()
            self.body.fetching.go()

    # files

    def take_files(self, paths: list[Path]) -> None:
        """Files from the command line, taken as if dropped."""
        from klingstudio.ui.models.drops import sort_files

        if paths:
            self.drops.take(sort_files(paths))

    def come_forward(self) -> None:
        """Be seen: the person has started the program again."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()
        # Some systems let no program put itself before another one; then its place in the task bar calls.
        QApplication.alert(self)

    def use_sample(self) -> None:
        """The built-in clip, and something to say about it where nothing is written yet."""
        if self._models.draft.source is not None:
            self._models.drafts.use_blank()
        self._models.draft.use_sample()
        if not self._models.draft.prompt:
            from klingstudio.ui import text

            self._models.draft.replace_prompt(text.SAMPLE_PROMPT)
        # The button that was pressed goes away; what comes next is the prompt.
        self.prompt.edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_in_folder(self, path: str) -> None:
        folder = Path(path).parent
        if not Path(path).exists():
            self.toast.say("This file is no longer where it was")
        elif not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self.toast.say(f"Saved in {folder}")

    # what changes

    def _show_source(self) -> None:
        self.menus.remove_video.setEnabled(self._models.draft.source is not None)
        self.menus.show_clip(self.stage.has_clip)

    def _show_player(self) -> None:
        if self.stage.player is not None:
            self.menus.fill_player(self.stage.player.action_groups())
        self._show_source()

    def _show_pictures(self) -> None:
        draft = self._models.draft.value
        for references, actions in (
            (draft.images, self.menus.insert_images),
            (draft.elements, self.menus.insert_elements),
        ):
            for n, action in enumerate(actions, 1):
                action.setEnabled(n <= len(references))

    def _insert(self, references: Sequence[DraftImage | DraftElement], number: int) -> None:
        if number <= len(references):
            self.prompt.insert_reference(references[number - 1].id)

    def _on_key(self, _provider_id: str) -> None:
        self._models.draft.read_price_again()

    def _on_reference(self, picture: Path) -> None:
        draft = self._models.draft
        number = len(draft.pictures) + 1
        if draft.room_for(1):
            self.stage.say(f"The frame is Image {number} now")
        # Where there is no room for it, this says so.
        draft.add_pictures([picture])

    def _on_generated(self, _job_id: str) -> None:
        self.front.await_take()
        if self.body.is_drawer and not self.body.drawer_is_open:
            self.toast.say("Added to the takes")

    def _run_again(self, job_id: str) -> None:
        self._models.drafts.use_blank()
        self._models.draft.fill_from(self._models.jobs.job(job_id).request)
        self.prompt.edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_status(self) -> None:
        jobs, draft = self._models.jobs, self._models.draft
        parts = [f"{jobs.running} running"] if jobs.running else []
        if waiting := jobs.needing_answer:
            parts.append("1 waits for you" if waiting == 1 else f"{waiting} wait for you")
        if not parts:
            title = draft.provider.title if draft.provider else "Starting…"
            parts.append(f"{title}: free, no key needed" if draft.is_free else title)
        self.body.words.setText(" · ".join(parts))
        self.header.show_takes(is_drawer=self.body.is_drawer, busy=jobs.running + jobs.needing_answer)

    # messages

    def _on_message(self, words: str) -> None:
        from klingstudio.ui import text

        self.messages.clear()
        match words:
            case text.Button.ADD_KEY:
                self.dialogs.settings()
            case text.Button.SETTINGS:
                self._open_budget()
            case text.Button.CHOOSE_VIDEO:
                self.source.choose()
            case text.Button.GO_TO_PROMPT:
                self._go_to("prompt")
            case _:
                pass

    # looks

    def _open_settings(self) -> None:
        self.dialogs.settings()

    def _open_budget(self) -> None:
        self.dialogs.budget()

    def _open_shortcuts(self) -> None:
        self.dialogs.shortcuts(self.menus.groups())

    def _flip_theme(self) -> None:
        self.dialogs.choose_theme("light" if self._looks.is_dark else "dark")

    def _show_theme(self) -> None:
        self.menus.show_theme(self._looks.choice)
        self.header.show_dark(self._looks.is_dark)


def _open_page(address: str) -> None:
    if address:
        QDesktopServices.openUrl(QUrl(address))
