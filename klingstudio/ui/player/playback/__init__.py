"""What is played: clips, the one clock they follow, the pairs that are published, and their sound. Paints nothing."""
