"""What every process of OpenStack's needs to serve: HTTP, health, its life, threads, processors."""
