"""`tenor` and `python -m tenor`: the command line, whose modules take a moment to load."""

import sys
from typing import NoReturn


def run() -> NoReturn:
    """Run the command line. Ctrl-C while it loads ends it as later: with 130, without a traceback."""
    try:
        from tenor.cli import main
    except KeyboardInterrupt:
        sys.exit(130)
    main()


if __name__ == "__main__":
    run()
