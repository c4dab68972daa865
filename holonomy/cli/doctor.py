"""`holonomy doctor`: check everything, and say how to mend what is wrong."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.markup import escape

import holonomy
from holonomy.cli.faults import reported
from holonomy.cli.jobs import AsJson
from holonomy.cli.output import console, print_json
from holonomy.cli.stack import needs_embedded
from holonomy.shadow import refuse_shadows

if TYPE_CHECKING:
    from service.doctor import Finding

_MARKS = {"ok": "[green]ok     [/]", "warning": "[yellow]warning[/]", "failed": "[red]failed [/]"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(reported(doctor))


def doctor(as_json: AsJson = False) -> None:
    """Check packages, configuration, database, bucket, Ray, GPUs and disk. Exit code 1 when one has to be mended."""
    with needs_embedded():
        findings = _findings()
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            console().print(f"{_MARKS[finding.state]} {finding.name}: {escape(finding.found)}", soft_wrap=True)
            if finding.mend is not None:
                console().print(f"        → {escape(finding.mend)}", soft_wrap=True)
    if any(finding.state == "failed" for finding in findings):
        raise typer.Exit(1)


def _findings() -> "list[Finding]":
    from service.doctor import Finding, examine
    from service.embedded import access
    from service.embedded.home import Home, state_folder
    from service.embedded.state import read_state

    findings = [_shadows()]
    home = Home(state_folder())
    state = read_state(home)
    configured = [name for name in ("HOLONOMY_DATABASE_URL", "HOLONOMY_S3_BUCKET") if os.environ.get(name)]
    if configured:
        findings.append(Finding("configuration", "ok", f"from the environment ({', '.join(configured)})"))
    elif state is not None and state.supervisor.find() is not None:
        findings.append(Finding("configuration", "ok", f"the embedded stack in {home.path}"))
        # This process ends with the report; the checks and the programs they run read their environment.
        os.environ.update(access.environment(home, state))
    else:
        mend = "holonomy up, or set HOLONOMY_DATABASE_URL, HOLONOMY_S3_BUCKET and HOLONOMY_RAY_ADDRESS"
        findings.append(Finding("configuration", "failed", f"nothing configured, nothing runs in {home.path}", mend))
    return [*findings, *examine(home.path)]


def _shadows() -> "Finding":
    from service.doctor import Finding

    folder = Path(holonomy.__file__).parent
    try:
        refuse_shadows(folder)
    except ImportError as error:
        return Finding("packages", "failed", str(error), "uninstall the other package, or run from another folder")
    return Finding("packages", "ok", f"schemas, service and workers are Holonomy's, in {folder.parent}")
