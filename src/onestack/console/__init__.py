"""The operator's console: a small web application on loopback.

Three processes, so that it stays small and never hangs. The web server (`__main__`, `web`) renders pages and knows
nothing of OpenStack; it takes some 20 MiB. What pages show is read by a child process (`reader`, `reads`), by the
same Python API as the command line; it is started when somebody looks, is killed where a read hangs, and ends after a
minute without readers. A long action is a process of its own (`task`), which goes on when the console ends.
"""
