"""Trade rows as JSON text, put together from pieces that are made once."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from sandbox.fills import I8

if TYPE_CHECKING:
    from sandbox.world import World

SIDES = ("BUY", "SELL")
UNLABELLED = 999


class TradeRows:
    """Encodes rows of the tape in the names of v2 (snake) or v1 (camel)."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pieces: dict[tuple[int, int, int, bool, bool], tuple[str, str]] = {}

    def encode(self, rows: I8, *, camel: bool = False) -> list[str]:
        """One JSON object a row, in the order given."""
        world, now = self._world, self._world.now
        fills, wallets = world.tape.fills, world.universe.wallets
        sizes = (fills.size[rows] / 1e6).tolist()
        prices = fills.prices(rows).tolist()
        timestamps = fills.timestamp[rows].tolist()
        columns = zip(
            rows.tolist(),
            fills.market[rows].tolist(),
            fills.outcome[rows].tolist(),
            fills.side[rows].tolist(),
            fills.wallet[rows].tolist(),
            fills.match[rows].tolist(),
            sizes,
            prices,
            timestamps,
            strict=True,
        )
        wallet_key = '{"proxyWallet":"' if camel else '{"proxy_wallet":"'
        hash_key = ',"transactionHash":"0x' if camel else ',"transaction_hash":"0x'
        delay = world.options.label_seconds
        lines = []
        for _, market, outcome, side, wallet, match, size, price, at in columns:
            labelled = at + delay * (97 + match % 97) // 194 <= now
            before, after = self._piece(market, outcome, side, labelled, camel)
            tail = fills.hashes[match * 32 : match * 32 + 32].hex()
            lines.append(
                f'{wallet_key}{wallets.address(wallet)}{before}{size!r},"price":{price!r}'
                f',"timestamp":{at}{after}{wallets.fragment(wallet, camel)}'
                f'{hash_key}{tail}"}}'
            )
        return lines

    def _piece(
        self, index: int, outcome: int, side: int, labelled: bool, camel: bool
    ) -> tuple[str, str]:
        key = (index, outcome, side, labelled, camel)
        piece = self._pieces.get(key)
        if piece is None:
            piece = self._pieces[key] = self._make(
                index, outcome, side, labelled, camel
            )
        return piece

    def _make(
        self, index: int, outcome: int, side: int, labelled: bool, camel: bool
    ) -> tuple[str, str]:
        market = self._world.catalogue.markets[index]
        event = self._world.event_of(market)
        token, condition = (
            ("asset", "conditionId") if camel else ("token_id", "condition_id")
        )
        slug_key, index_key = (
            ("eventSlug", "outcomeIndex") if camel else ("event_slug", "outcome_index")
        )
        known = labelled and event is not None
        labels = {
            "title": market.question.strip(),
            "slug": market.slug,
            "icon": market.icon,
            slug_key: event.slug if known and event else "",
            "outcome": market.outcomes[outcome],
            index_key: outcome if known else UNLABELLED,
        }
        text = json.dumps(labels, ensure_ascii=False, separators=(",", ":"))
        return (
            f'","side":"{SIDES[side]}","{token}":"{market.tokens[outcome]}"'
            f',"{condition}":"{market.condition}","size":',
            f",{text[1:-1]},",
        )
