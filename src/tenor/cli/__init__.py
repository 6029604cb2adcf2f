"""The command line, one file per command."""

from tenor.cli.main import main

__all__ = ["main"]
