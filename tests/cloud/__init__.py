"""Tests on a real cloud."""
