"""What the commands of `fetch` share: options, errors as sentences, the log."""

from __future__ import annotations

import logging
import os
import sys
import time
from pathlib import Path
from typing import Any, TextIO

import click

from settings.errors import PolylakeError

CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="TOML file with the settings that differ; else ./config.toml.",
)
JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object instead of text."
)


class Entry(click.Group):
    """A command whose errors are one sentence on stderr and an exit code."""

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command and leave the process with its exit code."""
        kwargs["standalone_mode"] = False
        try:
            code = super().main(*args, **kwargs)
        except click.UsageError as error:
            where = error.ctx.command_path if error.ctx else self.name
            click.echo(
                f"Error: {error.format_message()} See `{where} --help`.", err=True
            )
            code = error.exit_code
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except PolylakeError as error:
            click.echo(f"Error: {error}", err=True)
            code = error.exit_code
        except (click.Abort, KeyboardInterrupt):
            code = 130
        sys.exit(code if isinstance(code, int) else 0)


def log_to_stderr(stream: TextIO) -> None:
    """Send the log to `stream`, above the bars if it is a terminal."""
    handler: logging.Handler = logging.StreamHandler(stream)
    if is_terminal(stream):
        from fetcher.progress import LogAboveBars

        handler = LogAboveBars()
    formatter = logging.Formatter(
        "%(asctime)s %(levelname)s %(message)s", "%Y-%m-%dT%H:%M:%SZ"
    )
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    # It warns of every broken connection; what comes of it is said by us.
    logging.getLogger("urllib3").setLevel(logging.ERROR)


def is_terminal(stream: TextIO) -> bool:
    """Whether `stream` is a terminal that is wide enough to draw on."""
    try:
        return stream.isatty() and os.get_terminal_size(stream.fileno()).columns > 0
    except (OSError, ValueError):
        return False
