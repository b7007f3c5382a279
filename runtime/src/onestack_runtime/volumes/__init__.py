"""Volumes as qcow2 files in a folder: Cinder's driver, os-brick's connector, Nova's class for libvirt."""

PROTOCOL = "onestack_file"
"""What the three call such a volume (Cinder's driver_volume_type)."""
