"""What keeps a cloud from those whom it is not for: who did what, secrets, certificates, checks."""
