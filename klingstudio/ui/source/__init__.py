"""The source card: which file, what it is, and what has to change so that the provider accepts it."""
