"""Benchmarks: `make bench`. They drive a real site from outside and print JSON."""
