"""The bar below the prompt: provider, quality, sound, takes, and the button that spends money."""
