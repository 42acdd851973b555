"""Windows beside the main one. None of them stops it."""
