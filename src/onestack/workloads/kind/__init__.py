"""Kinds of resource: their base classes, and the interfaces through which they use a cloud. No API client is imported
here."""
