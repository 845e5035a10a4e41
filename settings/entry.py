"""What the commands share: options, errors as one sentence, exit codes, the log."""

from __future__ import annotations

import errno
import logging
import os
import resource
import sys
from pathlib import Path
from typing import Any

import click

from settings.errors import PolylakeError, UsageError
from settings.terminal import OneLine, Printing, printable

CONFIG = click.option(
    "--config",
    type=click.Path(path_type=Path),
    help="TOML file with the settings that differ; else ./config.toml.",
)
JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON for programs instead of text."
)

# What a person can mend, whichever file it befalls, and how.
_PERMISSIONS = "Fix the permissions"
_ROOM = "Free some room there"
REMEDIES = {
    errno.EACCES: _PERMISSIONS,
    errno.EPERM: _PERMISSIONS,
    errno.EROFS: _PERMISSIONS,
    errno.ENOSPC: _ROOM,
    errno.EDQUOT: _ROOM,
    errno.EIO: "See whether the disk is sound",
    errno.ENOTDIR: "Put a folder where there is a file",
}


class Entry(click.Command):
    """A command whose errors are one sentence on stderr and an exit code.

    What the command returns, if it is a number, is the exit code.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["context_settings"] = {
            "help_option_names": ["-h", "--help"],
            **(kwargs.get("context_settings") or {}),
        }
        super().__init__(*args, **kwargs)
        click.version_option(package_name="polylake", message="polylake %(version)s")(
            self
        )

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run the command and leave the process with its exit code."""
        kwargs["standalone_mode"] = False
        if sys.stdout.isatty():
            sys.stdout = Printing(sys.stdout)
        try:
            allow_open_files()
            code = super().main(*args, **kwargs)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            code = error.exit_code
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
            click.echo(printable(f"Error: {error}"), err=True)
            code = error.exit_code
        except BrokenPipeError:  # `warehouse query ... | head` has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 0
        except OSError as error:
            if error.errno not in REMEDIES:
                raise  # a bug
            where = error.filename or "what the command writes to"
            remedy = f"{REMEDIES[error.errno]}, then run the same command again."
            said = f"Error: Cannot use {where}: {error.strerror}. {remedy}"
            click.echo(printable(said), err=True)
            code = 1
        except (click.Abort, KeyboardInterrupt):
            code = 130
        sys.exit(code if isinstance(code, int) else 0)


class Entries(Entry, click.Group):
    """The same for a command that has commands."""


# A lake has many small files, and its readers open hundreds at once; without a
# descriptor left some of them end the process instead of saying so.
FEWEST_FILES = 256
MOST_FILES = 65_536


def allow_open_files() -> None:
    """Let the process open as many files as the system lets it.

    UsageError where these are too few to begin with.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if most < FEWEST_FILES:
        raise UsageError(
            f"This process may open {most} files at once, and needs {FEWEST_FILES}. "
            "Nothing was started. Raise the limit: `ulimit -n 4096` in a shell, "
            "LimitNOFILE=4096 in a systemd unit."
        )
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def log_to(handler: logging.Handler) -> None:
    """Send the log to `handler`, with the time (UTC) and the level of each line."""
    handler.setFormatter(OneLine())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
