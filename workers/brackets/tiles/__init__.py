"""Tiles of the pair matrix: their layout, their sums, and the checks made on some of their pairs."""
