"""Casts bronze lakes of any size with the shapes of the replica's universe.

It is neither a part of the road nor of the replica: it writes what fetch would have
left, by lake's own commits, and nothing imports it. Its command is `sandbox lake`.
"""
