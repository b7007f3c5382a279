"""Operations on a host behind one interface: this machine, or another host over an ssh connection.

On another host an agent (`agent`) executes the operations. It is sent over the connection and ends with it: nothing
is installed on the host, and nothing listens on the network.
"""

from onestack.host.machine.interface import Condition, File, Machine, Ran
from onestack.host.machine.local import LocalMachine
from onestack.host.machine.remote import RemoteMachine

__all__ = ["Condition", "File", "LocalMachine", "Machine", "Ran", "RemoteMachine"]
