"""Autoscaling: scaling groups, servers whose number follows their load.

`policies` recommend a size, `decision` makes one decision of their recommendations, and the `autoscaler`, a process,
carries it out on the members. `groups` is what an operator asks of them; `simulation` replays a recorded load.
All but the autoscaler, `groups` and `trial` is pure.
"""
