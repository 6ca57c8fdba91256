"""Whom a sweep asks: ranges of addresses, what is taken out of them, and the order in which they are visited."""
