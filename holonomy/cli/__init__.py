"""The `holonomy` command."""


def main() -> None:
    """Run the command line."""
    from holonomy.cli.app import app

    app()


__all__ = ["main"]
