"""One owner per target: who is dialled, when, and how often."""
