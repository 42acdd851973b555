"""The dialogs of the studio: each is made when it is first wanted and kept. None of them stops the window."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QDialog, QWidget

from klingstudio.ui import theme
from klingstudio.ui.window.room import present

if TYPE_CHECKING:
    from klingstudio.ui.models.bundle import Models
    from klingstudio.ui.window.menu_bar import Rows


class Dialogs:
    """Opens them over one window."""

    def __init__(self, window: QWidget, models: Models, looks: theme.Theme) -> None:
        self._window, self._models, self._looks = window, models, looks
        self._made: dict[str, QDialog] = {}

    def close(self) -> None:
        """The program ends."""
        for dialog in self._made.values():
            dialog.close()
            if hasattr(dialog, "detach"):
                dialog.detach()

    def settings(self, provider_id: str = "") -> None:
        """The settings, at the key of a provider where one is named."""
        from klingstudio.ui.dialogs.settings import SettingsDialog

        if not self._is_open():
            return
        dialog = self._made.get("settings")
        if not isinstance(dialog, SettingsDialog):
            dialog = SettingsDialog(self._models.accounts, self._models.spending, self._window)
            dialog.theme_chosen.connect(self.choose_theme)
            self._made["settings"] = dialog
        dialog.show_theme(self._looks.choice)
        present(dialog)
        if provider_id:
            dialog.show_key_of(provider_id)

    def budget(self) -> None:
        """The settings, at the limits on spending."""
        from klingstudio.ui.dialogs.settings import SettingsDialog

        self.settings()
        if isinstance(dialog := self._made.get("settings"), SettingsDialog):
            dialog.show_limits()

    def compare(self) -> None:
        """The services side by side for the present draft."""
        if not self._is_open():
            return
        # Imported when wanted: it knows the engine, which is loaded after the window.
        from klingstudio.ui.dialogs.compare import CompareDialog

        dialog = self._made.get("compare")
        if not isinstance(dialog, CompareDialog):
            dialog = CompareDialog(self._models.compare, self._models.draft, self._window)
            dialog.used.connect(self._models.draft.choose_provider)
            self._made["compare"] = dialog
        present(dialog)

    def library(self) -> None:
        """The elements that are kept to be used again."""
        from klingstudio.ui.dialogs.library import LibraryDialog

        if not self._is_open():
            return
        if "library" not in self._made:
            self._made["library"] = LibraryDialog(self._models.library, self._models.draft, self._window)
        present(self._made["library"])

    def crop(self, reference_id: str, index: int | None = None) -> None:
        """A picture of the draft, to be cropped, turned or padded. `index`: place in an element, 0 is the front."""
        from klingstudio.ui.dialogs.crop import CropDialog

        target = self._models.edits.target(reference_id, index)
        if target is None or not self._is_open():
            return
        dialog = self._made.get("crop")
        if not isinstance(dialog, CropDialog):
            dialog = CropDialog(self._models.draft, self._models.edits, self._window)
            self._made["crop"] = dialog
        dialog.show_target(target)
        present(dialog)

    def shortcuts(self, groups: list[tuple[str, Rows]]) -> None:
        """Every key on one page."""
        from klingstudio.ui.dialogs.shortcuts import ShortcutsDialog

        if "shortcuts" not in self._made:
            self._made["shortcuts"] = ShortcutsDialog(groups, self._window)
        present(self._made["shortcuts"])

    def about(self) -> None:
        """Name, version, licence."""
        from klingstudio.ui.dialogs.about import AboutDialog

        if "about" not in self._made:
            self._made["about"] = AboutDialog(self._window)
        present(self._made["about"])

    def report(self) -> None:
        """Facts for whoever helps; can be had while the studio cannot be opened, too."""
        from klingstudio.ui.dialogs.report import ReportDialog

        if "report" not in self._made:
            self._made["report"] = ReportDialog(self._models.report, self._models.problems, self._window)
        present(self._made["report"])

    def choose_theme(self, choice: str) -> None:
        """Light, dark or as the system, remembered."""
        self._looks.choose(theme_choice(choice))
        self._models.accounts.set_theme(choice)

    def _is_open(self) -> bool:
        if not self._models.draft.is_attached:
            self._models.problems.say("Starting…")
        return self._models.draft.is_attached


def theme_choice(words: str) -> theme.Choice:
    """A stored choice; one of another program is taken for none."""
    match words:
        case "light" | "dark":
            return words
        case _:
            return "system"
