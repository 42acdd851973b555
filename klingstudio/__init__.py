"""Kling Studio: edit video with Kling, compare the take with the source, lose nothing that was paid for."""

__version__ = "0.1.0"
