"""The command line, put together: each module registers its commands."""

import typer

from holonomy.cli import data, demo, doctor, jobs, results, schema, stack, submit, tokens

app = typer.Typer(
    name="holonomy",
    help="Measure how much the order and the path of training shape what a neural network learns.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for module in (stack, doctor, submit, jobs, results, data, tokens, schema, demo):
    module.register(app)
