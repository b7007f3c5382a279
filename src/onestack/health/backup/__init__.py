"""Backups of a whole cloud of one host, and restoring one.

restic stores, deduplicates and encrypts; mariadb-backup, OVSDB's own client and QEMU copy what changes while it is
copied. What is here puts a consistent copy together, and tells a complete backup from one that is not.
"""
