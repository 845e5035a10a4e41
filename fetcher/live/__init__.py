"""What is heard live: order books, prices, up/down markets, positions, failures.

One asyncio loop receives; what it receives waits in a bounded inbox for the thread that
reads it, whose rows wait for the thread that hands them to the lake's writer. So the
disk never holds up reception, and memory is bounded: see docs/capture.md.
"""

RECORDERS = ("books", "crypto", "updown", "positions")
