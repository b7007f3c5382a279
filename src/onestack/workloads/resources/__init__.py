"""The kinds of resource that a spec may contain, one module each; `workloads.kind.discovery` finds them in this
folder."""
