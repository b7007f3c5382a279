"""What specs are written in: YAML that knows its lines, the types of its values, names that refer, and findings."""
