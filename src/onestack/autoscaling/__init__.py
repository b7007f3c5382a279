"""Autoscaling: scaling groups, servers whose number follows their load.

`policies` recommend a size, `decision` makes one decision of their recommendations, and the `autoscaler`, a process,
carries it out on the members. `groups` is what an operator asks of them; `simulation` replays a recorded load;
`trial` steps a real one. Policies, decisions and simulation are pure.
"""
