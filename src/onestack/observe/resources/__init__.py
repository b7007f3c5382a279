"""Metrics of OpenStack's resources under openstack-exporter's names, read from the services' databases.

openstack-exporter lists all resources by the APIs. Here one query a metric answers, and that also while the APIs are
down. Which of its names are missing, and why, docs/operate.md says.
"""
