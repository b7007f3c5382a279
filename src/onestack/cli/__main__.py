"""`python -m onestack.cli`: how the launcher starts the command line."""

from onestack.cli.all import main

main()
