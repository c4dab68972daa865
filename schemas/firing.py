"""From what a schedule fires to the sweep of one instant: pure, so that it can be tried when a schedule is made."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import JsonValue, ValidationError

from schemas.mistakes import InvalidSpec, explain
from schemas.schedules import Work
from schemas.sweep_bodies import SweepSubmission
from schemas.sweeps import Sweep
from schemas.sweeps.paths import FieldPath, NoSuchField, lookup, parse_path
from schemas.templates import render

DEFAULT_LABEL = "{instant:%Y-%m-%d %H:%M}"


def submission_at(work: Work, name: str, instant: datetime) -> SweepSubmission:
    """The sweep that a schedule of this name submits for an instant.

    Args:
        work: What it fires.
        name: Name of the schedule.
        instant: In the zone of the schedule.

    Raises:
        InvalidSpec: the path of a template leads nowhere, or its text does not fit the field.
    """
    try:
        return SweepSubmission(
            sweep=_swept(work, instant),
            name=label_at(work, name, instant),
            tags=tags_at(work, instant),
            project=work.project,
            priority=work.priority,
            fresh=work.fresh,
            max_running_jobs=work.max_running_jobs,
            max_running_blocks=work.max_running_blocks,
        )
    except ValidationError as error:
        raise InvalidSpec(explain(error)) from None


def label_at(work: Work, name: str, instant: datetime) -> str:
    """Name of the sweep of an instant."""
    return f"{name} {render(DEFAULT_LABEL, instant)}" if work.label is None else render(work.label, instant)


def tags_at(work: Work, instant: datetime) -> tuple[str, ...]:
    """Tags of the sweep of an instant."""
    return tuple(render(tag, instant) for tag in work.tags)


def templated_at(work: Work, instant: datetime) -> dict[str, JsonValue]:
    """Values of the fields that follow an instant, as they come out of their validation.

    Raises:
        InvalidSpec: as for `submission_at`.
    """
    filled = _filled(work, instant).model_dump(mode="json")
    return {path: lookup(filled, parse_path(path)) for path in work.templates}


def _swept(work: Work, instant: datetime) -> Sweep:
    filled = _filled(work, instant)
    return filled if isinstance(filled, Sweep) else Sweep(base=filled)


def _filled(work: Work, instant: datetime) -> Any:
    """The sweep or job with its templates filled in, each text read as the type of its field."""
    document = work.sweep.model_dump(mode="json")
    for path, template in work.templates.items():
        try:
            _put(document, parse_path(path), render(template, instant))
        except NoSuchField as error:
            raise InvalidSpec(f"templates: {error}") from None
    try:
        return type(work.sweep).model_validate(document)
    except ValidationError as error:
        mistakes = explain(error, type(work.sweep), document)
        raise InvalidSpec(f"with its templates filled in for {instant:%Y-%m-%d %H:%M}: {mistakes}") from None


def _put(document: Mapping[str, Any], path: FieldPath, text: str) -> None:
    lookup(document, path)
    holder = lookup(document, path[:-1])
    holder[path[-1]] = text
