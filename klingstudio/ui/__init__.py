"""The window. May import PySide6; never av, httpx, keyring, msgspec, sqlite3 or qasync.

Inside: `window → panels → (models | widgets) → (theme | text)`; panels do not know each other. `text` is free of Qt.
"""
