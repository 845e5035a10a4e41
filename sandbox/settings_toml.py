"""The TOML that tells a client to talk to a sandbox."""

from __future__ import annotations

from sandbox.limits import CLIENT_KEYS
from sandbox.options import Options

STREAMS = {
    "clob_stream": "/ws/market", "rtds": "/rtds", "coinbase": "/coinbase",
    "polybolt": "/polybolt",
}  # fmt: skip


def toml_for(options: Options, port: int) -> str:
    """Base URLs, and limits only where the sandbox keeps another pace."""
    base = f"http://127.0.0.1:{port}"
    lines = []
    for name in ("gamma", "data", "clob"):
        lines += [f"[apis.{name}]", f'base_url = "{base}/{name}"', ""]
    for name, path in STREAMS.items():
        lines += [f"[apis.{name}]", f'url = "ws://127.0.0.1:{port}{path}"', ""]
    lines += ["[apis.coinbase_rest]", f'base_url = "{base}/coinbase-rest"', ""]
    if options.pace != 1:
        lines.append("[limits]")
        lines += [
            f"{key} = {max(1, int(n * options.pace))}" for key, n in CLIENT_KEYS.items()
        ]
        lines.append("")
    return "\n".join(lines)
