"""Replies as people have them before them - in logs, bounces and telnet windows - read back into replies."""
