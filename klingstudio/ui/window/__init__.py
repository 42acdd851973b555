"""The main window: places the panels and connects them."""

from klingstudio.ui.window.main import Window

__all__ = ["Window"]
