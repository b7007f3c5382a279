"""A real OpenStack cloud from one file and one command."""
