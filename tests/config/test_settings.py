import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tenor.config import settings
from tenor.errors import RenamedSettingWarning, SettingsError


@dataclass(frozen=True)
class Example:
    name: str
    epochs: int = 2
    rate: float = 0.5
    quick: bool = False
    keep: Literal["start", "end"] = "end"
    orders: tuple[int, ...] | None = None
    limit: float | None = 1.0
    more: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        settings.require(self.epochs >= 1, "epochs", "must be 1 or more")


@dataclass(frozen=True)
class Renamed(Example):
    former_names: ClassVar[dict[str, str]] = {"rounds": "epochs", "half": "rate"}


def test_former_names_are_read_with_one_warning_that_names_those_of_today() -> None:
    values = {"name": "a", "rounds": 3, "half": 0.25}
    message = r"^run\.toml: 'rounds' is now 'epochs', 'half' is now 'rate'; the former names still work\.$"
    with pytest.warns(RenamedSettingWarning, match=message) as warned:
        current = settings.current_names(Renamed, values, "run.toml")
    assert current == {"name": "a", "epochs": 3, "rate": 0.25}
    assert len(warned) == 1
    assert settings.make(Renamed, values, "tenor.json") == Renamed("a", epochs=3, rate=0.25)  # a saved folder: silent


def test_a_setting_by_both_of_its_names_is_refused() -> None:
    message = r"^run\.toml: 'rounds' is the former name of 'epochs', and both are given\."
    with pytest.raises(SettingsError, match=message):
        settings.make(Renamed, {"name": "a", "rounds": 3, "epochs": 3}, "run.toml")


def test_values_of_the_right_types_are_taken() -> None:
    values = {"name": "a", "epochs": 3, "rate": 1, "quick": True, "keep": "start", "orders": [1, 2], "limit": None}
    made = settings.make(Example, values | {"more": {"x": 1}}, "run.toml")
    assert made == Example("a", 3, 1.0, True, "start", (1, 2), None, {"x": 1})
    assert isinstance(made.rate, float)
    assert settings.make(Example, {"name": "a", "orders": 3}, "run.toml").orders == (3,)


def test_settings_survive_json() -> None:
    made = Example("a", orders=(1, 3), limit=None, more={"x": [1]})
    plain = json.loads(json.dumps(settings.as_dict(made)))
    assert settings.make(Example, plain, "tenor.json") == made


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"epoch": 1}, r"^run\.toml: there is no setting 'epoch'\. Did you mean 'epochs'\? Known: name, epochs, rate"),
        ({"zzz": 1}, r"^run\.toml: there is no setting 'zzz'\. Known: name, epochs, rate"),
        ({"epochs": "3"}, r"^run\.toml: epochs is '3'\. Give a whole number\."),
        ({"epochs": 3.0}, r"^run\.toml: epochs is 3\.0\. Give a whole number\."),
        ({"epochs": True}, r"^run\.toml: epochs is True\. Give a whole number\."),
        ({"epochs": None}, r"^run\.toml: epochs is None\. Give a whole number\."),
        ({"epochs": 0}, r"^setting 'epochs' must be 1 or more\. Choose another value"),
        ({"epochs": 10**30}, r"^run\.toml: epochs is not a usable number\. Give a smaller number"),
        ({"rate": "fast"}, r"^run\.toml: rate is 'fast'\. Give a number\."),
        ({"rate": True}, r"^run\.toml: rate is True\. Give a number\."),
        ({"rate": float("nan")}, r"^run\.toml: rate is not a usable number"),
        ({"rate": float("-inf")}, r"^run\.toml: rate is not a usable number"),
        ({"rate": 10**400}, r"^run\.toml: rate is not a usable number"),
        ({"quick": 1}, r"^run\.toml: quick is 1\. Give true or false\."),
        ({"name": 1}, r"^run\.toml: name is 1\. Give a word\."),
        ({"keep": "ende"}, r"^run\.toml: keep is 'ende'\. Did you mean 'end'\? Known: start, end\."),
        ({"keep": ["end"]}, r"^run\.toml: keep is \['end'\]\. Did you mean 'end'\?"),
        ({"orders": [1, "2"]}, r"^run\.toml: orders is '2'\. Give whole numbers, such as \[1, 2\]\."),
        ({"more": 3}, r"^run\.toml: more is 3\. Give a table\."),
    ],
)
def test_other_values_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        settings.make(Example, {"name": "a", **values}, "run.toml")


def test_a_setting_that_has_no_default_must_be_given() -> None:
    with pytest.raises(SettingsError, match=r"^run\.toml: the setting 'name' is missing\. Give it a value"):
        settings.make(Example, {"epochs": 1}, "run.toml")


@pytest.mark.parametrize(
    ("item", "value"),
    [
        ("k=3", 3),
        (" k = 0.5 ", 0.5),
        ("k=true", True),
        ("k=[1, 2]", [1, 2]),
        ("k=tf-idf", "tf-idf"),
        ("k='a b'", "a b"),
        ("k=a=b", "a=b"),
        ("k=好", "好"),
        ("k= none ", None),
        ("k=", ""),
        ("k=1\nother = 2", "1\nother = 2"),
        ("k=" + "[" * 50_000, "[" * 50_000),
    ],
)
def test_assignments_are_toml_values_or_bare_words(item: str, value: Any) -> None:
    assert settings.parse_assignments([item]) == {"k": value}


def test_the_last_assignment_of_a_key_counts() -> None:
    assert settings.parse_assignments(["k=1", "j=2", "k=3"]) == {"k": 3, "j": 2}


@pytest.mark.parametrize("item", ["k", "=3", " =3", ""])
def test_what_is_no_assignment_is_refused(item: str) -> None:
    with pytest.raises(SettingsError, match=r"^'.*' does not have the form key=value\. Write epochs=3"):
        settings.parse_assignments([item])


@given(st.text(max_size=30))
def test_any_assignment_gives_one_value(text: str) -> None:
    assert list(settings.parse_assignments([f"k={text}"])) == ["k"]


def test_a_run_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "run.toml"
    path.write_text('data = "评论.csv"\n[settings]\norders = [1]\n', encoding="utf-8")
    assert settings.read_toml(path) == {"data": "评论.csv", "settings": {"orders": [1]}}


@pytest.mark.parametrize("content", [b"a = = 1\n", b"\xff\xfe", b"a = " + b"[" * 50_000, None])
def test_what_is_no_run_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "run.toml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"run\.toml: this is not a TOML file: .*\. Fix"):
        settings.read_toml(path)


def test_a_run_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"run\.toml: there is no such file\. Give the path of a TOML"):
        settings.read_toml(tmp_path / "run.toml")


def test_the_nearest_word_is_suggested() -> None:
    assert settings.suggest("lern_rate", ["epochs", "learning_rate"]) == (
        "Did you mean 'learning_rate'? Known: epochs, learning_rate."
    )
    assert settings.suggest("zzz", ["epochs"]) == "Known: epochs."


@pytest.mark.parametrize(
    ("written", "expected"),
    [("45", 45), ("60s", 60), ("1.5m", 90), ("1h30m", 5_400), ("1h 2m 3s", 3_723), ("5 m", 300), ("none", None)],
)
def test_times_are_read(written: str, expected: float | None) -> None:
    assert settings.parse_duration(written, "here") == expected


@pytest.mark.parametrize("written", ["", "h", "-3s", "5x", "m5", "0h0m", "1m2h"])
def test_what_is_no_time_is_refused(written: str) -> None:
    with pytest.raises(SettingsError, match=r"^here: .* is not a valid duration"):
        settings.parse_duration(written, "here")


@dataclass(frozen=True)
class _Base:
    rate: float = settings.setting(0.1, "how fast")
    sizes: tuple[int, ...] | None = settings.setting(None, "widths of the layers")


@dataclass(frozen=True)
class _Derived(_Base):
    rate: float = settings.setting(0.5)
    sizes: tuple[int, ...] | None = settings.setting((1, 2), "widths of both layers")


def test_settings_are_described_with_the_help_of_the_nearest_class() -> None:
    assert settings.describe(_Base) == [("rate", "0.1", "how fast"), ("sizes", "none", "widths of the layers")]
    assert settings.describe(_Derived) == [("rate", "0.5", "how fast"), ("sizes", "[1, 2]", "widths of both layers")]

    @dataclass(frozen=True)
    class Silent:
        size: int = 1

    with pytest.raises(TypeError, match=r"Silent\.size has no help"):
        settings.describe(Silent)
