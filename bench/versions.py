"""Print the versions of Python and of those named libraries that are here: `python versions.py NAME ...`."""

import json
import platform
import sys
from importlib.metadata import PackageNotFoundError, version


def main() -> None:
    """Look each name up; leave out what is not installed."""
    result = {"python": platform.python_version()}
    for name in sys.argv[1:]:
        try:
            result[name] = version(name)
        except PackageNotFoundError:
            continue
    print(json.dumps({"versions": result}))


if __name__ == "__main__":
    main()
