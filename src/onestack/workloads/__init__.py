"""All of a spec but the platform: what it wants, what the cloud has, what must change, and the changing of it."""
