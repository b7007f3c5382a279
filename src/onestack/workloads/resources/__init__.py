"""Every kind of resource a spec may hold, one module each. `workloads.kind.discovery` finds them by this folder."""
