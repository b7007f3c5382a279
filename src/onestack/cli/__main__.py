"""`python -m onestack.cli`: the launcher's way in."""

from onestack.cli.all import main

main()
