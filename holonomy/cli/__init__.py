"""The `holonomy` command."""


def main() -> None:
    """Run the command line."""
    import logging

    from holonomy.cli.app import app

    # The library's own news, such as the start of the embedded stack, belong on standard error.
    logging.getLogger("holonomy").setLevel(logging.INFO)
    logging.basicConfig(format="%(message)s")
    app()


__all__ = ["main"]
