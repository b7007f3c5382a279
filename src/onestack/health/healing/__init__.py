"""Healing: a compute host is lost, its guests serve elsewhere, and none runs twice.

Each compute host has a lease agent (`agent`), which renews the host's lease and ends its guests where it cannot.
Control hosts have a healer (`healer`), of which one acts at a time. What they decide is in `lease` and `decide`,
which are pure.
"""
