"""The prompt field: what should change, with tokens that point at pictures."""
