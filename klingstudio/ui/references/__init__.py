"""The reference pictures: numbered tiles that the prompt can point at."""
