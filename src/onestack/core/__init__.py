"""Common building blocks: errors, events, paths, waits."""
