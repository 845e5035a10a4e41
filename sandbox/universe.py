"""A universe: catalogue, price paths, wallets and all fills, past and future."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sandbox.catalogue import Catalogue, build_catalogue
from sandbox.fills import Fills
from sandbox.matches import build_fills
from sandbox.options import Options
from sandbox.paths import PricePaths
from sandbox.wallets import Wallets


@dataclass
class Universe:
    """All that ever happens under these options; nothing in it depends on the clock."""

    options: Options
    catalogue: Catalogue
    paths: PricePaths
    wallets: Wallets
    fills: Fills


def build_universe(options: Options) -> Universe:
    """The universe of these options: the same one, to the byte, on every call."""
    catalogue = build_catalogue(options)
    rng = np.random.default_rng([options.seed, 3, len(catalogue.markets)])
    paths = PricePaths(catalogue.markets, rng)
    pools = [market.fpmm for market in catalogue.markets if market.fpmm]
    count = max(25, options.fill_count // 60, options.live_crowd)
    wallets = Wallets(count, pools, rng)
    fills = build_fills(options, catalogue.markets, paths, wallets)
    return Universe(options, catalogue, paths, wallets, fills)
