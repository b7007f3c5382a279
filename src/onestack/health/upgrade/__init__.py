"""Another release for a cloud that serves, and the way back."""
