"""Trying scaling groups that run: a bounded load, stepped up and down, and what came of it."""
