"""mxsweep asks every mail exchanger of a domain whether it takes mail for it, and says why not."""

__version__ = "0.1.0"
