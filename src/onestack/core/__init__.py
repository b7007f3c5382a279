"""Words that every room of the house uses: errors, events, paths."""
