"""The controls above and below the picture. They say what is wanted and show what they are told."""
