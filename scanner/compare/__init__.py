"""Two runs' records, compared: what appeared, vanished, became worse or better."""
