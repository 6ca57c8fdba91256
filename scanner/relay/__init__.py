"""Does it relay for strangers: the tests, their order, what their answers mean. Core: no I/O, no clock."""
