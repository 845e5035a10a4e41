"""An offline replica of Polymarket's public services, for tests, demos and benchmarks."""
