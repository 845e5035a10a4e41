"""What the sandbox really holds, as tables: the yardstick for whoever fetched it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from sandbox.fills import DUST, I8
from sandbox.ledger import books, fill_flows
from sandbox.live.prices import ASSETS
from sandbox.live.truth import ticks_frame, windows_frame
from sandbox.market import NEVER
from sandbox.people import entries_now, priced
from sandbox.world import World


def truth_frames(world: World) -> dict[str, pl.DataFrame]:
    """Fills, markets, events and ledger as of the world's present.

    With live series also their windows, and every price told since the start.
    """
    fills = fills_frame(world)
    frames = {
        "fills": fills,
        "markets": markets_frame(world, fills),
        "events": events_frame(world),
        "ledger": ledger_frame(world),
    }
    if world.options.live_series:
        frames["updown"] = windows_frame(world)
        begin, end = world.options.now * 1_000, world.now_ms
        frames["ticks"] = pl.concat(
            [ticks_frame(begin, end, asset) for asset in ASSETS]
        )
    return frames


def write_truth(world: World, out: Path) -> dict[str, int]:
    """Write each table as `<out>/<name>.parquet`; row counts by name."""
    out.mkdir(parents=True, exist_ok=True)
    frames = truth_frames(world)
    for name, frame in frames.items():
        frame.write_parquet(out / f"{name}.parquet", compression="zstd")
    return {name: frame.height for name, frame in frames.items()}


def reasons(world: World, rows: I8) -> list[str]:
    """Why each row cannot be had by walking markets and the feed; empty if it can."""
    tape, fills = world.tape, world.tape.fills
    amm = np.array([m.kind == "amm" for m in world.catalogue.markets])
    reason = np.full(len(rows), "", dtype=object)
    dropped = np.isin(
        fills.sequence[rows], np.array(sorted(tape.dropped), dtype=np.int64)
    )
    old = fills.timestamp[rows] < tape.window_floor()
    for mask, text in (
        (old, "service_window"),
        (dropped, "dropped"),
        (fills.size[rows] < DUST, "dust_floor"),
        (amm[fills.market[rows]], "amm_era"),
        (fills.visible_at[rows] > world.now, "not_indexed_yet"),
        (fills.gone_at[rows] <= world.now, "withdrawn"),
    ):
        reason[mask] = text
    found: list[str] = reason.tolist()
    return found


def fills_frame(world: World) -> pl.DataFrame:
    """Every fill up to now, oldest first, served or not."""
    now, fills = world.now, world.tape.fills
    count = int(np.searchsorted(fills.timestamp, now, side="right"))
    rows = np.arange(count)
    markets, wallets = world.catalogue.markets, world.universe.wallets
    market = pl.Series(fills.market[rows])
    place = market.cast(pl.Int64) * 8 + pl.Series(fills.outcome[rows]).cast(pl.Int64)
    events = [world.event_of(m) for m in markets]
    names = [(t, o) for m in markets for t, o in _eight(m.tokens, m.outcomes)]
    profiles = [wallets.profile(i) for i in range(len(wallets))]
    wallet = pl.Series(fills.wallet[rows])

    def by_market(values: list[str]) -> pl.Series:
        return pl.Series(values, dtype=pl.String).gather(market)

    def by_wallet(values: list[str]) -> pl.Series:
        return pl.Series(values, dtype=pl.String).gather(wallet)

    hashes = [
        "0x" + fills.hashes[at : at + 32].hex()
        for at in range(0, len(fills.hashes), 32)
    ]
    columns: dict[str, pl.Series] = {
        "proxy_wallet": by_wallet([wallets.address(i) for i in range(len(wallets))]),
        "side": pl.Series(["BUY", "SELL"]).gather(pl.Series(fills.side[rows])),
        "token_id": pl.Series([t for t, _ in names]).gather(place),
        "condition_id": by_market([m.condition for m in markets]),
        "size": pl.Series(fills.size[rows] / 1e6),
        "price": pl.Series(fills.prices(slice(0, count))),
        "timestamp": pl.Series(fills.timestamp[rows]),
        "title": by_market([m.question.strip() for m in markets]),
        "slug": by_market([m.slug for m in markets]),
        "icon": by_market([m.icon for m in markets]),
        "event_slug": by_market([e.slug if e else "" for e in events]),
        "outcome": pl.Series([o for _, o in names]).gather(place),
        "outcome_index": pl.Series(fills.outcome[rows]).cast(pl.Int32),
        "name": by_wallet([p["name"] for p in profiles]),
        "pseudonym": by_wallet([p["pseudonym"] for p in profiles]),
        "bio": by_wallet([p["bio"] for p in profiles]),
        "profile_image": by_wallet([p["profile_image"] for p in profiles]),
        "profile_image_optimized": by_wallet(["" for _ in profiles]),
        "transaction_hash": pl.Series(hashes).gather(pl.Series(fills.match[rows])),
        "sequence": pl.Series(fills.sequence[rows]),
        "is_taker": pl.Series(fills.is_taker[rows]),
        "usdc": pl.Series(fills.usdc[rows] / 1e6),
        "fee_usdc": pl.Series(fills.fee[rows] / 1e5),
        "visible_at": pl.Series(fills.visible_at[rows]),
        "gone_at": pl.Series(fills.gone_at[rows]),
        "reason": pl.Series(reasons(world, rows), dtype=pl.String),
    }
    combo = by_market(["yes" if m.kind == "combo" else "" for m in markets]) == "yes"
    frame = pl.DataFrame(columns).with_columns(
        servable=pl.col("reason") == "",
        gone_at=pl.when(pl.col("gone_at") < NEVER).then("gone_at"),
    )
    floor = world.tape.month_floor()
    reach = (
        pl.when(pl.col("reason") == "service_window").then(pl.lit("user"))
        .when(~pl.col("servable")).then(pl.lit("none"))
        .when(combo & (pl.col("timestamp") >= floor)).then(pl.lit("feed"))
        .when(combo).then(pl.lit("condition"))
        .otherwise(pl.lit("market"))
    )  # fmt: skip
    return frame.with_columns(reach=reach)


def _eight(tokens: tuple[str, ...], outcomes: tuple[str, ...]) -> list[tuple[str, str]]:
    pairs = list(zip(tokens, outcomes, strict=True))
    return pairs + [("", "")] * (8 - len(pairs))


def markets_frame(world: World, fills: pl.DataFrame) -> pl.DataFrame:
    """Every market that exists, combos too, with what was traded and what is served."""
    now = world.now
    rows = []
    for market in world.catalogue.markets:
        if market.created_at > now:
            continue
        event = world.event_of(market)
        rows.append(
            {
                "id": str(market.id) if market.id else None,
                "condition_id": market.condition,
                "question_id": market.question_id,
                "slug": market.slug,
                "question": market.question,
                "kind": market.kind,
                "event_id": str(event.id) if event else None,
                "event_slug": event.slug if event else None,
                "outcomes": list(market.outcomes),
                "token_ids": list(market.tokens),
                "payouts": [payout / 1e6 for payout in market.payouts],
                "created_at": market.created_at,
                "start_at": market.start_at,
                "end_at": market.end_at,
                "closed_at": market.closed_at if market.closed(now) else None,
                "closed": market.closed(now),
                "hidden": market.hidden,
                "amm": market.kind == "amm",
                "combo": market.kind == "combo",
                "neg_risk": market.neg_risk,
                "version": market.version,
                "tick": market.tick / 1000,
                "fee_rate": market.fee_rate,
                "shares_total": world.shares(market),
            }
        )
    counted = fills.group_by("condition_id").agg(
        fills_total=pl.len().cast(pl.Int64),
        fills_servable=pl.col("servable").sum().cast(pl.Int64),
        shares_servable=pl.col("size").filter(pl.col("servable")).sum(),
        reasons=pl.col("reason").filter(pl.col("reason") != "").unique().sort(),
    )
    return (
        pl.DataFrame(rows, infer_schema_length=None)
        .join(counted, on="condition_id", how="left", maintain_order="left")
        .with_columns(
            pl.col("fills_total", "fills_servable").fill_null(0),
            pl.col("shares_servable").fill_null(0.0),
        )
    )


def ledger_frame(world: World) -> pl.DataFrame:
    """Every wallet's books a market and outcome, in shares and dollars.

    `cash_usdc` is all that came in less all that went out, fees included; with
    `value_usdc`, the shares held at today's price, it makes `pnl_usdc`. Each outcome
    bears its part of a split or merge. Over everybody, P&L plus fees is zero.
    """
    now, fills = world.now, world.tape.fills
    rows = np.flatnonzero((fills.timestamp <= now) & (fills.gone_at == NEVER))
    frame = priced(world, books(fill_flows(fills, rows), entries_now(world)))
    wallets, markets = world.universe.wallets, world.catalogue.markets
    addresses = pl.Series([wallets.address(i) for i in range(len(wallets))])
    conditions = pl.Series([m.condition for m in markets])
    tokens = pl.Series([t for m in markets for t, _ in _eight(m.tokens, m.outcomes)])
    place = frame["market"].cast(pl.Int64) * 8 + frame["outcome"].cast(pl.Int64)
    dollars = ("bought_usdc", "sold_usdc", "split_usdc", "merged_usdc", "redeemed_usdc")
    shares = ("bought", "sold", "split", "merged", "redeemed")
    return frame.select(
        addresses.gather(frame["wallet"]).alias("proxy_wallet"),
        conditions.gather(frame["market"]).alias("condition_id"),
        tokens.gather(place).alias("token_id"),
        outcome_index=pl.col("outcome").cast(pl.Int32),
        shares=pl.col("shares") / 1e6,
        **{f"{name}_shares": pl.col(name) / 1e6 for name in shares},
        **{name: pl.col(name) / 1e6 for name in (*dollars, "fees_usdc")},
        cash_usdc=pl.col("cash") / 1e6,
        price="price",
        value_usdc="value",
        pnl_usdc="total_pnl",
        first_at="first_at",
        last_at="last_at",
    )


def events_frame(world: World) -> pl.DataFrame:
    """Every event that has begun."""
    now = world.now
    rows = [
        {
            "id": str(event.id),
            "slug": event.slug,
            "title": event.title,
            "tags": [str(tag) for tag in event.tags],
            "series": str(event.series) if event.series else None,
            "neg_risk": event.neg_risk,
            "created_at": event.created_at,
            "closed": event.closed(now),
            "markets": sum(market.created_at <= now for market in event.markets),
        }
        for event in world.catalogue.events
        if event.created_at <= now
    ]
    return pl.DataFrame(rows, infer_schema_length=None)
