"""Fake compute hosts for scale tests: many nova-compute services with Nova's fake driver in one process."""
