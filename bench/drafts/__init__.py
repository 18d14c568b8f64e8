"""Faults and good edits that are done to a draft, to measure what the gate holds and what it lets through."""
