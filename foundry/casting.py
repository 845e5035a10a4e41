"""What a cast lake is asked to be, and what follows from that."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from sandbox.options import DAY, NOW, Options

FILLS_A_DAY = 250_000
FILLS_A_MARKET = 577  # as the exchange has
FILLS_A_WALLET = 60
MOST_FILLS_A_DAY = 5_000_000
FEWEST_DAYS, MOST_DAYS = 30, 1_000
FEED_DAYS = 30
# Measured: what a fill takes in files, the takers' rows, walks and markets included.
BYTES_A_FILL = 80


@dataclass(frozen=True)
class Casting:
    """The options of a lake; equal ones make equal rows in equal files.

    The history was walked market by market up to `feed_from`; from there to `end` a
    nightly walk of the feed brought each day.
    """

    fills: int
    seed: int
    days: int
    markets: int
    wallets: int

    @classmethod
    def of(
        cls,
        fills: int,
        *,
        seed: int = 1,
        days: int | None = None,
        markets: int | None = None,
        wallets: int | None = None,
    ) -> Casting:
        """A lake of so many fills; what is not said is in proportion."""
        usual = min(max(fills // FILLS_A_DAY, FEWEST_DAYS), MOST_DAYS)
        return cls(
            fills,
            seed,
            usual if days is None else days,
            max(fills // FILLS_A_MARKET, 100) if markets is None else max(markets, 20),
            max(fills // FILLS_A_WALLET, 25) if wallets is None else wallets,
        )

    @classmethod
    def load(cls, saved: dict[str, Any]) -> Casting:
        """The casting that was saved."""
        return cls(**saved)

    def saved(self) -> dict[str, Any]:
        """What the lake keeps of it, to be added to later."""
        return asdict(self)

    @property
    def end(self) -> int:
        """The second at which the lake ends: a midnight."""
        return NOW // DAY * DAY

    @property
    def begin(self) -> int:
        """Its first second: a midnight."""
        return self.end - self.days * DAY

    @property
    def feed_from(self) -> int:
        """The midnight from which the feed covers all."""
        return self.end - min(FEED_DAYS, self.days // 2) * DAY

    @property
    def bytes_needed(self) -> int:
        """About what the lake takes on disk."""
        return self.fills * BYTES_A_FILL + self.markets * 1_000 + (16 << 20)

    @property
    def options(self) -> Options:
        """The options of the universe whose catalogue it has."""
        return Options.of(
            size="large",
            seed=self.seed,
            markets=self.markets,
            fills=100,
            age_days=float(self.days),
        )
