"""The only user of httpx: one client with the key, pinned to the provider's API; one without it for everything else."""
