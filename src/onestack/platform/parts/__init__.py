"""The native parts beneath OpenStack: database, switches, hypervisor, front. Data and pure functions."""
