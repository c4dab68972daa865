"""What is wrong with a sweep."""

from schemas.mistakes import InvalidSpec


class SweepMistake(InvalidSpec):
    """A sweep that cannot be expanded; `at` is where in it its author wrote what is wrong."""

    def __init__(self, message: str, *at: str | int) -> None:
        super().__init__(message)
        self.at = at
