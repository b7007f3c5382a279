"""Autoscaling: scaling groups, servers whose number follows their load.

`policies` recommend a size, `decision` combines their recommendations into one decision, and the `autoscaler`, a
process, executes it on the members. `groups` has the operators' commands; `simulation` replays a recorded load;
`trial` tests a running group with a step of load. Policies, decisions and simulation are pure.
"""
