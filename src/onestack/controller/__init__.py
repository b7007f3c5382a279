"""What keeps scaling groups at the size their load asks for: one supervised process beside the keeper.

It keeps nothing that it cannot rebuild. Each look starts from what OpenStack says: records of groups, their
servers, their pools. What is decided is `onestack.elastic`'s, pure; this package looks and acts.
"""
