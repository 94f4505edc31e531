"""The command line: wires everything, decides nothing."""

import typer

from voiceera import __version__

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def root() -> None:
    """VoiceERA: AI phone agents on your own machine."""


@app.command()
def version() -> None:
    """Print the version."""
    print(__version__)


def main() -> None:
    app()
