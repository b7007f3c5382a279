"""Commands for OpenStack's own client, `openstack`: found by its entry points where both are installed."""
