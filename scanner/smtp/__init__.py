"""The dialogue with a mail server, without input and output."""
