"""The cloud behind OpenStack's APIs: the only package of `workloads` that opens connections."""
