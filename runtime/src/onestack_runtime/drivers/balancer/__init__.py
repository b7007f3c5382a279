"""Octavia's provider `haproxy`: each balancer is one HAProxy in a network namespace on the tenant's network."""
