"""A scaling group with a recorded load, in simulated time: what it would do, and how well it would follow."""
