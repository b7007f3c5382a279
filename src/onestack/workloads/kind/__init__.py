"""What each kind of resource is made of: one shape, and a session to work with. It knows no API client."""
