"""The `sandbox` command: the replica's, and `lake`, which casts a bronze lake."""

from __future__ import annotations

from pathlib import Path

import click

from sandbox.cli import main

__all__ = ["main"]


@main.command()
@click.option(
    "--folder",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="The lake's folder: [paths] lake of its settings.",
)
@click.option(
    "--fills",
    type=click.IntRange(min=100),
    required=True,
    help="At least so many rows of trades, and hardly more.",
)
@click.option(
    "--seed", type=int, default=1, show_default=True, help="Another seed, another lake."
)
@click.option(
    "--days",
    type=click.IntRange(min=2, max=2_000),
    help="So many days of fills; without it about 250,000 fills a day.",
)
@click.option(
    "--markets",
    type=click.IntRange(min=1),
    help="About so many markets; without it 577 fills a market, as the "
    "exchange has. With --append the markets of the new fills.",
)
@click.option(
    "--wallets",
    type=click.IntRange(min=25),
    help="So many wallets; without it a wallet for 60 fills.",
)
@click.option(
    "--append",
    "is_more",
    is_flag=True,
    help="Add new fills to a lake that was cast, as one run of fetch would.",
)
@click.option(
    "--minutes",
    type=click.IntRange(min=1, max=1_440),
    default=5,
    show_default=True,
    help="With --append: the new fills' stretch of time.",
)
def lake(
    folder: Path,
    fills: int,
    seed: int,
    days: int | None,
    markets: int | None,
    wallets: int | None,
    *,
    is_more: bool,
    minutes: int,
) -> None:
    """Write a bronze lake of any size, with the shapes of the replica's fills.

    Equal options make equal files. The lake needs no settings but its place, and
    `ingest` takes it in as if it had been fetched.
    """
    from tqdm import tqdm

    from foundry.cast import append, cast, check_room
    from foundry.casting import Casting
    from settings.errors import PolylakeError

    try:
        if is_more:
            done = append(folder, fills, markets or max(fills // 7, 1), minutes * 60)
        else:
            casting = Casting.of(
                fills, seed=seed, days=days, markets=markets, wallets=wallets
            )
            check_room(folder, casting)
            click.echo(
                f"{casting.days:,} days, {casting.markets:,} markets, about "
                f"{casting.bytes_needed / 1e9:.1f} GB of disk",
                err=True,
            )
            with tqdm(total=fills, unit="fills", unit_scale=True, disable=None) as bar:
                done = cast(folder, casting, bar.update)
    except PolylakeError as error:
        raise click.ClickException(str(error)) from error
    for name, rows in sorted(done.rows.items()):
        click.echo(f"{name}: {rows:,} rows")
    click.echo(f"{done.bytes / 1e9:.3f} GB")
