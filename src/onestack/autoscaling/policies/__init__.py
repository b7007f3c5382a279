"""What each type of policy recommends: one module a type. Pure: the same moment gives the same recommendation."""
