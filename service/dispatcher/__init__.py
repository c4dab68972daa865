"""The dispatcher: the one driver that takes blocks from the queue to the workers and their outcomes back."""
