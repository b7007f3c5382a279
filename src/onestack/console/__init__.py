"""The operator's console: a small web application on loopback.

Several processes, so that it stays small and never hangs. The web server (`__main__`, `web`) renders pages and knows
nothing of OpenStack. What pages show is read by child processes (`reader`) by the Python API, as the command line
does: one that asks no API of OpenStack's (`reads_here`) and takes little memory, and one that does (`reads_apis`).
They are started when somebody looks, are killed where a read hangs, and end when nobody looks any more. A long action
is a process of its own (`task`), which goes on when the console ends.
"""
