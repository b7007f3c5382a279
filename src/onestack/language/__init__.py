"""The language of specs: YAML with line numbers, types of values, references by name, and diagnostics."""
