"""The command line: `python -m derive COMMAND`, the one place where all the parts meet.

Exit codes: 0 done, 1 a check failed, 2 the input cannot be used.
"""

import errno
import shutil
import sys
import textwrap
from importlib import import_module
from typing import Any

import click

from derive import __version__
from derive.commands import COMMANDS
from derive.errors import DeriveError

EXAMPLES = """\
Examples:

\b
  python -m derive build two_layer --target numpy,c
  python -m derive train two_layer --data mnist --epochs 10 --lr 0.2 --batch 100
  python -m derive show two_layer --wrt W1
"""


def refuse(message: str) -> None:
    """Print one paragraph on stderr: wrapped on a terminal, a single line in a pipe or a log."""
    text = f"error: {' '.join(message.split())}"
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        text = textwrap.fill(text, width, break_long_words=False, break_on_hyphens=False)
    click.echo(text, err=True)


class LazyGroup(click.Group):
    """A group that imports a subcommand when it is run, and prints a refusal as one paragraph."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the subcommands, in the order of use."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import `derive.commands.<name>` and take the command of that name in it."""
        if cmd_name not in COMMANDS:
            return None
        found = vars(import_module(f"derive.commands.{cmd_name}")).values()
        return next(each for each in found if isinstance(each, click.Command) and each.name == cmd_name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the subcommands from the table, importing none of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand; bugs keep their traceback."""
        try:
            return super().invoke(ctx)
        except DeriveError as error:
            refuse(str(error))
            ctx.exit(error.exit_code)
        except OSError as error:
            if error.errno == errno.EPIPE:
                raise
            refuse(str(error))
            ctx.exit(DeriveError.exit_code)


@click.group(cls=LazyGroup, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="derive")
def main() -> None:
    """Compile mathematics to training code: derive, emit, train."""


if __name__ == "__main__":
    main(prog_name="python -m derive")
