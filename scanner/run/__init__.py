"""Each job wired from its stages."""
