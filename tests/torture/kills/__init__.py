"""Kills a real engine in the middle of its work, again and again, and looks after each life whether every promise was kept."""
