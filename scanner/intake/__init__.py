"""Input lines to items."""
