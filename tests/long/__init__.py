"""The README's `up` in a Debian 13 machine of its own, with systemd and a full kernel, under software emulation."""
