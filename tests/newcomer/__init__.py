"""What a newcomer does: the pages' commands, word for word, at the default root of this machine."""
