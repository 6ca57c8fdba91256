"""DNS and mail servers on loopback that behave and misbehave."""
