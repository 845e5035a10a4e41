"""The live side of the replica: order books, WebSockets, feeds, up/down series."""
