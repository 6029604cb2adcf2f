"""The line of each row of a text file: rows are not lines where blank lines are skipped, or texts have line ends."""

import bisect


class LineNumbers:
    """The line where each row begins. Where rows follow each other line by line, it takes no memory.

    Nothing is kept before `track` is called, since a file may have any number of rows.
    """

    def __init__(self) -> None:
        self._is_tracking = False
        self._rows: list[int] = []  # the first row of each run of rows, and the line of that row less its number
        self._shifts: list[int] = []

    def track(self) -> None:
        """Keep the lines from now on. Call it before the rows are read."""
        self._is_tracking = True

    def add(self, row: int, line: int) -> None:
        """Note the line where a row begins; rows come in their order, from 1."""
        if self._is_tracking and row > 0 and (not self._shifts or self._shifts[-1] != line - row):
            self._rows.append(row)
            self._shifts.append(line - row)

    def line(self, row: int) -> int | None:
        """The line of a row that has been read, from 1; None if lines were not tracked."""
        at = bisect.bisect_right(self._rows, row) - 1
        return row + self._shifts[at] if at >= 0 else None
