"""The cloud's other hosts: what is done on each, by an agent there that is asked over one ssh connection."""
