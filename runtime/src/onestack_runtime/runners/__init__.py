"""One module for each project's process: what it holds, and how that is started."""
