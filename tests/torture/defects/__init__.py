"""Defects on purpose, planted from outside into the lives of the kill harness: a harness that never fails proves nothing."""
