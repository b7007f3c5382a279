"""One-off programs: database migrations, Keystone's bootstrap, management commands."""
