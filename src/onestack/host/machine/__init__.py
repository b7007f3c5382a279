"""Effects on one host behind one interface: this machine, or another one over one ssh connection.

The far side runs the same verbs in an agent (`agent`), which comes over the connection itself and ends with it.
Nothing is installed for it, and nothing listens on the network.
"""

from onestack.host.machine.interface import Condition, File, Machine, Ran
from onestack.host.machine.local import LocalMachine
from onestack.host.machine.remote import RemoteMachine

__all__ = ["Condition", "File", "LocalMachine", "Machine", "Ran", "RemoteMachine"]
