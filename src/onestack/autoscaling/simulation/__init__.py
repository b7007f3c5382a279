"""Simulates a scaling group with a recorded load: what it would do, and how well it would follow the load."""
