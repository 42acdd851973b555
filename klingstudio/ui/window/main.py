"""The main window: connects the panels with each other and with the models."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QUrl, Signal
from PySide6.QtGui import QCloseEvent, QDesktopServices, QKeyEvent, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QDialog, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from klingstudio.ui import theme
from klingstudio.ui.window.opening import Opening
from klingstudio.ui.window.regions import focus_first, go_to, neighbour, next_stop, tab_stops
from klingstudio.ui.window.room import first_size, present

if TYPE_CHECKING:
    from klingstudio.domain.errors import Problem
    from klingstudio.ui.models.bundle import Models
    from klingstudio.ui.window.menus import Wishes


class Window(QMainWindow):
    """Made and shown before anything heavy is loaded; `attach` brings it to life."""

    closed = Signal()
    """The person wants to leave. Ends the program's main()."""
    painted = Signal()
    """The window is on screen for the first time."""
    retry_wanted = Signal()
    """Try once more to open the studio."""

    def __init__(self, models: Models | None, looks: theme.Theme) -> None:
        """`models`: None for a window that is to be on screen at once; `furnish` follows."""
        super().__init__()
        self._looks = looks
        self._was_painted = False
        self._is_furnished = False
        self._awaits_take = False
        self._dialogs: dict[str, QDialog] = {}
        self.setObjectName("window")
        self.setWindowTitle("Kling Studio")
        self.setMinimumSize(*theme.WINDOW_LEAST)
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
        from klingstudio.ui.window.drops import Drops
        from klingstudio.ui.window.header import Header
        from klingstudio.ui.window.menus import Menus

        self._models = models
        self.header = Header(self)
        self._pages = QStackedWidget(self)
        self.body = Body(models, self._pages)
        self._pages.addWidget(self.body)
        self.source, self.references = self.body.source, self.body.references
        self.stage, self.prompt = self.body.stage, self.body.prompt
        self.generate, self.takes, self.messages = self.body.generate, self.body.takes, self.body.messages
        self.menus = Menus(self, self.header.bar, self._wishes())
        self.toast = Toast(self.body)
        self.drops = Drops(
            self,
            models,
            source_lights=(self.stage.light, self.source.light),
            pictures_light=self.references.light,
            say=self.toast.say,
        )
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

        edit = self.prompt.edit
        return Wishes(
            open_video=self.source.choose,
            add_images=self.references.choose,
            sample=self.use_sample,
            remove_video=self._models.draft.remove_source,
            quit=self.close,
            undo=edit.undo,
            redo=edit.redo,
            cut=lambda: self._edit("cut"),
            copy=lambda: self._edit("copy"),
            paste=lambda: self._edit("paste"),
            settings=self._open_settings,
            generate=self.generate.generate,
            compare=self.open_compare,
            insert_image=lambda number: self.prompt.insert_token(f"@Image{number}"),
            toggle_takes=self.toggle_takes,
            full_screen=self._full_screen,
            next_region=lambda: self._go_region(1),
            previous_region=lambda: self._go_region(-1),
            shortcuts=self.open_shortcuts,
            about=self.open_about,
            theme=self.choose_theme,
        )

    def _connect(self) -> None:
        models = self._models
        self.header.takes.clicked.connect(self.toggle_takes)
        self.header.looks.clicked.connect(self._flip_theme)
        self.header.settings.clicked.connect(self._open_settings)
        self.body.help.clicked.connect(self.open_shortcuts)
        self.source.chosen.connect(models.draft.set_source)
        self.references.chosen.connect(models.draft.add_pictures)
        self.references.token_wanted.connect(self.prompt.insert_token)
        self.prompt.edit.left.connect(self._leave_prompt)
        self.stage.empty.sample_wanted.connect(self.use_sample)
        self.stage.empty.open_wanted.connect(self.source.choose)
        self.stage.shown.connect(self.takes.choose)
        self.stage.shown.connect(self._show_source)
        self.stage.clip_problem.connect(models.problems.show)
        self.stage.said.connect(self.toast.say)
        self.stage.reference_wanted.connect(self._on_reference)
        self.stage.was_attached.connect(self._show_player)
        self.generate.settings_wanted.connect(self.open_settings)
        self.generate.compare_wanted.connect(self.open_compare)
        self.generate.place_wanted.connect(self._go_to)
        self.generate.generated.connect(self._on_generated)
        self.takes.take_chosen.connect(self._on_take_chosen)
        self.takes.comparison_wanted.connect(self._on_comparison)
        self.takes.run_again.connect(self._run_again)
        self.takes.show_in_folder.connect(self._show_in_folder)
        self.takes.settings_wanted.connect(self.open_settings)
        self.takes.page_wanted.connect(_open_page)
        self.takes.closed.connect(self.toggle_takes)
        models.draft.source_changed.connect(self._show_source)
        models.draft.pictures_changed.connect(self._show_pictures)
        models.accounts.changed.connect(self._on_key)
        models.accounts.key_saved.connect(models.draft.use_keyed_provider)
        models.accounts.changed.connect(models.compare.refresh)
        for signal in (models.draft.changed, models.jobs.added, models.jobs.changed, models.jobs.was_attached):
            signal.connect(self._show_status)
        models.jobs.completed.connect(self._on_completed)
        models.problems.said.connect(self.stage.say)
        self.messages.acted.connect(self._on_message)
        self._looks.changed.connect(self._show_theme)

    # life

    def attach(self) -> None:
        """The models have the studio: load the player and take over the saved looks."""
        self.stage.attach()
        self._looks.choose(_choice(self._models.accounts.theme))
        self._show_status()

    def detach(self) -> None:
        """Close files and windows; the program ends."""
        self.stage.detach()
        self.references.detach()
        for dialog in self._dialogs.values():
            dialog.close()

    def show_failure(self, problem: Problem) -> None:
        """The studio could not be opened."""
        from klingstudio.ui.window.failure import FailurePage

        self.hide_failure()
        page = FailurePage(problem, self._pages)
        page.retry_wanted.connect(self.retry_wanted)
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
        return tab_stops([self.header, self.messages, *self.body.regions(), self.body.help])

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
        kind, _, number = place.partition(":")
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

    # files

    def take_files(self, paths: list[Path]) -> None:
        """Files from the command line, taken as if dropped."""
        from klingstudio.ui.models.drops import sort_files

        if paths:
            self.drops.take(sort_files(paths))

    def use_sample(self) -> None:
        """The built-in clip, and something to say about it where nothing is written yet."""
        self._models.draft.use_sample()
        if not self._models.draft.prompt:
            from klingstudio.ui import text

            self._models.draft.replace_prompt(text.SAMPLE_PROMPT)
        # The button that was pressed goes away; what comes next is the prompt.
        self.prompt.edit.setFocus(Qt.FocusReason.OtherFocusReason)

    def _show_in_folder(self, path: str) -> None:
        folder = Path(path).parent
        if not Path(path).exists():
            self.toast.say("This take is no longer where it was saved")
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
        for n, action in enumerate(self.menus.inserts, 1):
            action.setEnabled(n <= len(self._models.draft.pictures))

    def _on_key(self, _provider_id: str) -> None:
        self._models.draft.read_price_again()

    def _on_completed(self, job_id: str) -> None:
        draft, job = self._models.draft, self._models.jobs.job(job_id)
        is_of_source = draft.source is not None and str(draft.source.path) == job.request.source
        # One press of Generate may bring several takes: the first is shown, the others must not push it aside.
        is_free = not self.stage.job or self._awaits_take
        if not self.stage.has_clip or (is_of_source and is_free):
            self._awaits_take = False
            self.stage.show_take(job_id)
        self.stage.say(f"v{self._models.jobs.number(job_id):02} is ready")

    def _on_take_chosen(self, job_id: str) -> None:
        self._awaits_take = False
        self.stage.show_take(job_id)

    def _on_comparison(self, job_id: str) -> None:
        self._awaits_take = False
        self.stage.compare_with_shown(job_id)

    def _on_reference(self, picture: Path) -> None:
        draft = self._models.draft
        number = len(draft.pictures) + 1
        if draft.room_for(1):
            self.stage.say(f"The frame is Image {number} now")
        # Where there is no room for it, this says so.
        draft.add_pictures([picture])

    def _on_generated(self, _job_id: str) -> None:
        self._awaits_take = True
        if self.body.is_drawer and not self.body.drawer_is_open:
            self.toast.say("Added to the takes")

    def _run_again(self, job_id: str) -> None:
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
            case text.Button.ADD_KEY | text.Button.SETTINGS:
                self.open_settings()
            case text.Button.CHOOSE_VIDEO:
                self.source.choose()
            case text.Button.GO_TO_PROMPT:
                self._go_to("prompt")
            case _:
                pass

    # dialogs and looks

    def _open_settings(self) -> None:
        self.open_settings()

    def open_settings(self, provider_id: str = "") -> None:
        """The settings, at the key of a provider where one is named."""
        from klingstudio.ui.dialogs.settings import SettingsDialog

        if not self._models.draft.is_attached:
            self.toast.say("Starting…")
            return
        dialog = self._dialogs.get("settings")
        if not isinstance(dialog, SettingsDialog):
            dialog = SettingsDialog(self._models.accounts, self)
            dialog.theme_chosen.connect(self.choose_theme)
            self._dialogs["settings"] = dialog
        dialog.show_theme(self._looks.choice)
        present(dialog)
        if provider_id:
            dialog.show_key_of(provider_id)

    def open_compare(self) -> None:
        """The services side by side for the present draft."""
        if not self._models.draft.is_attached:
            self.toast.say("Starting…")
            return
        # Imported when wanted: it knows the engine, which is loaded after the window.
        from klingstudio.ui.dialogs.compare import CompareDialog

        dialog = self._dialogs.get("compare")
        if not isinstance(dialog, CompareDialog):
            dialog = CompareDialog(self._models.compare, self._models.draft, self)
            dialog.used.connect(self._models.draft.choose_provider)
            self._dialogs["compare"] = dialog
        present(dialog)

    def open_shortcuts(self) -> None:
        """Every key on one page."""
        from klingstudio.ui.dialogs.shortcuts import ShortcutsDialog

        if "shortcuts" not in self._dialogs:
            self._dialogs["shortcuts"] = ShortcutsDialog(self.menus.groups(), self)
        present(self._dialogs["shortcuts"])

    def open_about(self) -> None:
        """Name, version, licence."""
        from klingstudio.ui.dialogs.about import AboutDialog

        if "about" not in self._dialogs:
            self._dialogs["about"] = AboutDialog(self)
        present(self._dialogs["about"])

    def choose_theme(self, choice: str) -> None:
        """Light, dark or as the system, remembered."""
        self._looks.choose(_choice(choice))
        self._models.accounts.set_theme(choice)

    def _flip_theme(self) -> None:
        self.choose_theme("light" if self._looks.is_dark else "dark")

    def _show_theme(self) -> None:
        self.menus.show_theme(self._looks.choice)
        self.header.show_dark(self._looks.is_dark)


def _choice(words: str) -> theme.Choice:
    match words:
        case "light" | "dark":
            return words
        case _:
            return "system"


def _open_page(address: str) -> None:
    if address:
        QDesktopServices.openUrl(QUrl(address))
