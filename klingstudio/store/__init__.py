"""The only user of sqlite3. Commits are small (a few per job) and synced in full before the call returns."""
