"""One module for each project's process: its parts, and how they are started."""
