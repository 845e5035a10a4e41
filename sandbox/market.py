"""What a market and an event of the universe are, and how a market ends."""

from __future__ import annotations

from dataclasses import dataclass, field

NEVER = 1 << 40  # unix seconds; after anything a sandbox lives to see


@dataclass(slots=True)
class Market:
    """One condition: its Gamma entry, its tokens, its life from listing to payout."""

    kind: str  # amm, old, binary, sports, updown, v2, combo
    question: str
    slug: str
    outcomes: tuple[str, ...]
    created_at: int
    start_at: int  # Gamma's startDate
    end_at: int  # Gamma's endDate, the nominal deadline
    trade_from: int
    trade_end: int
    closed_at: int  # NEVER when it outlives the universe
    payouts: tuple[int, ...]  # millionths a share, by outcome
    tick: int = 10  # thousandths of a dollar
    fee_rate: float = 0.0
    fee_type: str | None = None
    hidden: bool = False  # absent from every Gamma listing
    group_title: str = ""
    proposed_at: int = NEVER
    disputed_at: int = NEVER
    window: int = 0  # up/down: seconds of the window, which ends at end_at
    description: str = ""
    asset: str = ""  # of a live series: whose price decides
    strike: int = 0  # and the price to beat, in units of 1e-18 dollars
    final: int = 0
    # filled in when the catalogue is put in order
    index: int = -1
    id: int = 0
    event: int = -1
    condition: str = ""
    question_id: str = ""
    tokens: tuple[str, ...] = ()
    fpmm: str = ""
    salt: int = 0  # a fixed random number, for choices made while serving
    icon: str = ""
    neg_risk: bool = False
    neg_risk_other: bool = False

    def closed(self, now: int) -> bool:
        """Whether the market is settled at `now`."""
        return self.closed_at <= now

    @property
    def version(self) -> str:
        """The protocol the market lives on."""
        return "v2" if self.kind == "v2" else "v1"


@dataclass(slots=True)
class Event:
    """A topic: one or more markets listed together."""

    title: str
    slug: str
    created_at: int
    tags: tuple[int, ...]
    series: int = 0
    neg_risk: bool = False
    neg_risk_market_id: str = ""
    index: int = -1
    id: int = 0
    markets: list[Market] = field(default_factory=list)

    def closed(self, now: int) -> bool:
        """Whether all markets listed so far are settled."""
        return all(market.closed(now) for market in self.markets)

    @property
    def end_at(self) -> int:
        """The latest deadline of its markets."""
        return max(market.end_at for market in self.markets)
