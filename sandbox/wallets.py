"""The people of a universe: addresses, names, and how often each one trades."""

from __future__ import annotations

import json
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from sandbox.words import ADJECTIVES, NOUNS, UPLOADS


class Wallets:
    """`count` wallets, few of which make most of the trades."""

    def __init__(self, count: int, extra: list[str], rng: np.random.Generator) -> None:
        self.count = count
        self._extra = [address.lower() for address in extra]  # AMM pools, at the end
        self._hex = rng.bytes(20 * count).hex()
        self._salt = rng.integers(0, 1 << 31, count + len(extra))
        weight = rng.pareto(0.9, count) + 0.02
        self._cumulative = np.cumsum(weight / weight.sum())

    def draw(self, n: int, rng: np.random.Generator) -> npt.NDArray[np.int32]:
        """`n` wallets, the busy ones more often."""
        drawn = np.searchsorted(self._cumulative, rng.random(n))
        return np.minimum(drawn, self.count - 1).astype(np.int32)

    def __len__(self) -> int:
        return self.count + len(self._extra)

    def address(self, wallet: int) -> str:
        """0x and 40 lower-case digits."""
        if wallet >= self.count:
            return self._extra[wallet - self.count]
        return "0x" + self._hex[40 * wallet : 40 * wallet + 40]

    def index(self) -> dict[str, int]:
        """Every wallet by its address."""
        return {self.address(i): i for i in range(len(self))}

    def profile(self, wallet: int) -> dict[str, str]:
        """The public profile; name is empty for about one wallet in a hundred."""
        salt = int(self._salt[wallet])
        pseudonym = f"{ADJECTIVES[salt % 14]}-{NOUNS[salt // 14 % 13]}"
        name = (
            "" if salt % 113 == 0 else f"{pseudonym.lower().replace('-', '')}{wallet}"
        )
        if salt % 31 == 0:
            name = f"Ünï {wallet} 🦄"
        bio = "number go up\n\t— “always”" if salt % 9 == 0 else ""
        image = f"{UPLOADS}profile+image {wallet}.png" if salt % 3 == 0 else ""
        return {
            "name": name,
            "pseudonym": pseudonym,
            "bio": bio,
            "profile_image": image,
            "profile_image_optimized": "",
        }

    @lru_cache(maxsize=50_000)  # noqa: B019 - one Wallets lives as long as its server
    def fragment(self, wallet: int, camel: bool) -> str:
        """The profile as the inside of a JSON object."""
        row = self.profile(wallet)
        if camel:
            row["profileImage"] = row.pop("profile_image")
            row["profileImageOptimized"] = row.pop("profile_image_optimized")
        return json.dumps(row, ensure_ascii=False, separators=(",", ":"))[1:-1]
