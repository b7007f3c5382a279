"""The autoscaler: one supervised process that adapts the size of scaling groups to their load.

It has no state that it cannot rebuild: each cycle starts from OpenStack's state (records of groups, their servers,
their pools). Decisions are made in `onestack.autoscaling.decision`, which is pure; this package collects and acts.
"""
