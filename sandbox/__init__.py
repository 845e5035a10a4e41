"""An offline replica of Polymarket's public services, seeded and deterministic."""
