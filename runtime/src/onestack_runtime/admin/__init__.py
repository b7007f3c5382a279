"""What runs once and ends: databases migrated, Keystone bootstrapped, management commands."""
