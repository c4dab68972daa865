"""What every bench prints: the machine, the figures with their targets, as a table or as one JSON object."""

import argparse
import json
import os
import platform
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

MEASURED = Path(__file__).parent / "measured"
_PACKAGES = ("holonomy", "ray", "torch", "sqlalchemy", "psycopg2-binary", "boto3", "procrastinate")


@dataclass(frozen=True)
class Figure:
    """One measured number. `target` must be reached, `aim` is hoped for; both may be absent.

    `low` and `high` are the extremes of the rounds whose median `value` is, where they were kept.
    """

    name: str
    value: float
    unit: str
    target: float | None = None
    aim: float | None = None
    lower_is_better: bool = False
    low: float | None = None
    high: float | None = None

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None where there is none."""
        return self._reaches(self.target)

    @property
    def aim_met(self) -> bool | None:
        """Whether the aim is reached; None where there is none."""
        return self._reaches(self.aim)

    def _reaches(self, bound: float | None) -> bool | None:
        if bound is None:
            return None
        return self.value <= bound if self.lower_is_better else self.value >= bound

    def as_json(self) -> dict[str, Any]:
        """Name, value, unit, target, aim, low, high, met and aim_met."""
        fields = asdict(self)
        del fields["lower_is_better"]
        return {**fields, "met": self.met, "aim_met": self.aim_met}


def environment(**more: str) -> dict[str, Any]:
    """Date, hardware and versions of this run; `more` adds to it, for example a server's version."""
    versions = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            versions[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "cpu": _cpu(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30, 1),
        "system": platform.platform(),
        **versions,
        **more,
    }


def run(name: str, measure: Callable[[bool], tuple[Sequence[Figure], dict[str, str]]]) -> int:
    """The command line of a bench: `--quick`, `--json`, `--save`.

    Args:
        name: the bench's name, and that of its file under `bench/measured/`.
        measure: takes whether to be quick; gives the figures and additions to the environment.

    Returns:
        0 when every target is met, else 1.
    """
    arguments = parser(name).parse_args()
    figures, more = measure(arguments.quick)
    return report(name, figures, more, arguments)


def parser(name: str) -> argparse.ArgumentParser:
    """The options that every bench has."""
    made = argparse.ArgumentParser(prog=f"python -m bench.{name}")
    made.add_argument("--quick", action="store_true", help="a minute or two, smaller and less precise")
    made.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    made.add_argument("--save", action="store_true", help="keep the run under bench/measured/")
    return made


def report(name: str, figures: Sequence[Figure], more: dict[str, str], arguments: argparse.Namespace) -> int:
    """Print and keep figures as the options say; 0 when every target is met, else 1."""
    machine = environment(**more)
    kept = {"environment": machine, "quick": arguments.quick, "figures": [figure.as_json() for figure in figures]}
    if arguments.save:
        MEASURED.mkdir(exist_ok=True)
        day = machine["date"][:10]
        (MEASURED / f"{name}-{day}.json").write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    if arguments.json:
        print(json.dumps(kept))
    else:
        show(f"bench.{name}" + (" --quick" if arguments.quick else ""), figures, machine)
    return 0 if all(figure.met is not False for figure in figures) else 1


def show(title: str, figures: Sequence[Figure], machine: dict[str, Any]) -> None:
    """A table for people."""
    table = Table(title=title, title_justify="left")
    for column, justify in (("figure", "left"), ("value", "right"), ("unit", "left"), ("target", "right")):
        table.add_column(column, justify=justify)  # type: ignore[arg-type]
    table.add_column("aim", justify="right")
    table.add_column("met")
    for figure in figures:
        met = {None: "", True: "[green]yes", False: "[red]no"}[figure.met]
        if figure.aim_met:
            met = "[green]aim"
        value = _number(figure.value)
        if figure.low is not None:
            value += f" ({_number(figure.low)}–{_number(figure.high)})"
        bounds = (_number(figure.target), _number(figure.aim))
        table.add_row(figure.name, value, figure.unit, *bounds, met)
    console = Console()
    console.print(table)
    console.print(", ".join(f"{key} {value}" for key, value in machine.items()), style="dim", highlight=False)


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
