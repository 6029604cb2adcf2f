from pathlib import Path

import pytest

from tenor.data import sources
from tenor.data.io import table
from tenor.errors import DataError


def test_a_similar_name_is_suggested(tmp_path: Path) -> None:
    (tmp_path / "reviews.csv").write_text("text,label\na,b\n")
    with pytest.raises(DataError, match=r"review\.csv: there is no such file\. Did you mean '.*reviews\.csv'\?$"):
        table.open_table(tmp_path / "review.csv")
    with pytest.raises(DataError, match=r"Reviews\.CSV: there is no such file\. Did you mean '.*reviews\.csv'\?$"):
        table.open_table(tmp_path / "Reviews.CSV")
    with pytest.raises(DataError, match=r"other\.csv: there is no such file\. Check the path\.$"):
        table.open_table(tmp_path / "other.csv")


def test_a_folder_that_does_not_exist_is_said_not_to_exist(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    with pytest.raises(DataError, match=r"there is no such file or folder and no such built-in .* mean '.*texts'\?$"):
        sources.locate(str(tmp_path / "text"))
    with pytest.raises(DataError, match=r"there is no such file\. The folder .*no does not exist\. Check the path\.$"):
        table.open_table(tmp_path / "no" / "in.csv")


def test_a_link_that_leads_nowhere_is_said_to_lead_nowhere(tmp_path: Path) -> None:
    for name, goal in (("loop.csv", "loop.csv"), ("lost.csv", "absent.csv")):
        (tmp_path / name).symlink_to(tmp_path / goal)
        with pytest.raises(DataError, match=rf"{name}: this is a link that leads nowhere\. Remove it"):
            table.open_table(tmp_path / name)
