"""`python -m holonomy` is the `holonomy` command."""

from holonomy.cli import main

main()
