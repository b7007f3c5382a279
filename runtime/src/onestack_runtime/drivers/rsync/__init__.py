"""How Nova copies guests' files to another host when it migrates or resizes them cold: with rsync, whose remote shell
is `shell` here and not ssh.

`shell` connects to `server` on the other host, over TLS with both hosts' certificates; `server` runs `rsync --server`
in a sandbox that has guests' files and nothing else. Standard library only, since a process is started for each copy.
"""
