"""A spec's tenants and resources: desired state, observed state, plan, and apply."""
