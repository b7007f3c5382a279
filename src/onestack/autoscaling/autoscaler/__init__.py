"""The autoscaler: one supervised process that keeps scaling groups at the size their load asks for.

It keeps nothing that it cannot rebuild. Each cycle starts from what OpenStack says: records of groups, their
servers, their pools. What is decided is `onestack.autoscaling.decision`'s, pure; this package collects and acts.
"""
