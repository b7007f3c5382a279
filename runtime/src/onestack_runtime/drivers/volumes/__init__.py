"""Volumes as qcow2 files in a folder, or as logical volumes: Cinder's drivers, os-brick's connectors, Nova's side."""

PROTOCOL = "onestack_file"
"""What the three call such a volume (Cinder's driver_volume_type)."""
LOGICAL = "onestack_lvm"
"""The same for a logical volume of the machine."""
