"""`python -m tenor`."""

from tenor.cli import main

main()
