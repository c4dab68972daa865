"""The Python client and the `holonomy` command."""
