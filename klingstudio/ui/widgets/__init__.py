"""Reusable pieces that know nothing of clips, jobs or providers."""
