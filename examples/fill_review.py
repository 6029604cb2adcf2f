"""Fill in the right labels of a review file from a column with the truth, as a person would.

python examples/fill_review.py review.csv team
"""

import csv
import sys
from pathlib import Path


def main(path: Path, column: str) -> None:
    """Copy `column` into the column `right_label` of the file."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row["right_label"] = row[column]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    print(f"{len(rows)} rows filled in: {path}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
