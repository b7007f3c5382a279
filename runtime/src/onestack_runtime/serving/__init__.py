"""What each OpenStack process needs to serve: HTTP, health checks, start and stop, threads, CPU affinity."""
