"""Volumes as qcow2 files in a folder, or as logical volumes: Cinder's drivers, os-brick's connectors, Nova's side."""
