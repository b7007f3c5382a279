"""Starting the machine, and running commands in it: deadlines measure standstill, not slowness."""
