"""Making the disks of the machine: its system, the parts of a cloud from the cache, the source of OneStack."""
