"""The cloud behind OpenStack's APIs: the only room of `workloads` that opens connections."""
