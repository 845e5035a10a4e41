"""`python -m fetcher.live` is `capture`."""

from fetcher.live.cli import main

main()
