"""Load tests of running scaling groups: a bounded load, stepped up and down, and its results."""
