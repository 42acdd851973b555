"""The player: source and take side by side, in step. No PyAV at import; it is loaded when the first clip is opened."""
