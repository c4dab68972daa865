"""What a user talks to: one class, put together from what it submits, finds, asks and exchanges."""

from holonomy.client.client import Client

__all__ = ["Client"]
