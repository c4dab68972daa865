"""Units of stored numbers: products of powers of a few symbols, or a word.

loss²·θ⁻³      a product: of brackets, so that lr² times one is a θ when lr is in θ²·loss⁻¹
1 or θ         one of several
by target      what the row's `target` makes it, as the sentence beside it says
count          a word, for what is counted, numbered, named or chosen
"""

import re
from collections.abc import Mapping
from fractions import Fraction

SYMBOLS: Mapping[str, str] = {
    "loss": "the job's loss: nats for cross-entropies, the square of an output for squared error",
    "θ": "a parameter of the model",
    "logit": "an output of the model",
    "nat": "natural logarithm of a ratio, as of probabilities or of growth",
    "decade": "common logarithm of a ratio",
    "step": "an optimizer step; of a position in a run, steps since its start",
    "epoch": "a pass over the train split",
    "s": "a second",
    "1": "none: a ratio, a share, a cosine, a probability",
}
WORDS: Mapping[str, str] = {
    "count": "how many",
    "index": "a place, from 0",
    "id": "a number or digest that names a row",
    "name": "a name, or one of a few words",
    "text": "words for people",
    "yes/no": "true or false",
    "UTC": "a moment, by the database's clock where nothing else is said",
    "JSON": "a JSON document",
}

_ROW = re.compile(r"by \w+( \w+)*")
_FACTOR = re.compile(r"(√?)(" + "|".join(SYMBOLS) + r")([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]*)")
_DIGITS = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")


def known(unit: str) -> bool:
    """Whether a unit is written as above."""
    if unit in WORDS or _ROW.fullmatch(unit):
        return True
    try:
        for product in unit.split(" or "):
            powers(product)
    except ValueError:
        return False
    return True


def powers(unit: str) -> dict[str, Fraction]:
    """Power of each symbol in a product; {} for 1, a pure number.

    Raises:
        ValueError: it is no product of known symbols.
    """
    found: dict[str, Fraction] = {}
    for factor in unit.split("·"):
        match = _FACTOR.fullmatch(factor)
        if match is None:
            raise ValueError(f"a unit is a product of powers of {', '.join(SYMBOLS)}; came {unit!r}")
        root, symbol, power = match.groups()
        exponent = Fraction(power.translate(_DIGITS) or 1) / (2 if root else 1)
        if symbol != "1":
            found[symbol] = found.get(symbol, Fraction(0)) + exponent
    return found
