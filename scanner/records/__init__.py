"""Outcomes to records, records to the output."""
