"""Measure Tenor beside its peers, one program after another, and write RESULTS.md and results.json.

Run it from the root of the repository, with TENOR_BENCH_DATA naming the folder of imdb_train.parquet and
imdb_test.parquet. With `--only`, the parts left out keep their earlier figures. `make bench` runs everything.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

from imdb import FOLDER_VARIABLE
from machine import describe
from parts import BENCH, PARTS, Bench, check_environment
from processes import ProgramError
from report import render


def main() -> None:
    """Run the chosen parts; exit with status 1 if one of them failed."""
    args = parse()
    raw_path = args.results / "results.json"
    results = json.loads(raw_path.read_text(encoding="utf-8")) if raw_path.is_file() else {}
    failed = []
    with tempfile.TemporaryDirectory(prefix="tenor-bench-") as work:
        bench = Bench(args.tenor_env / "bin", args.peers_env / "bin", Path(work), args.repeats, args.lstm_repeats)
        check_environment(args.only, bench)
        setting = describe(bench.tenor_bin / "python", bench.peers_bin / "python")
        for name in args.only:
            print(f"{name}:", file=sys.stderr, flush=True)
            try:
                runs = PARTS[name](bench)
            except ProgramError as error:
                failed.append(name)
                print(f"{name} failed: {error}", file=sys.stderr, flush=True)
                continue
            results[name] = {"setting": setting, "command": command(name, args), "runs": runs}
            write(args.results, results)
    if failed:
        sys.exit(f"Not measured: {', '.join(failed)}. Their earlier figures, if any, are kept.")


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=part_names, default=list(PARTS), help=f"parts: {','.join(PARTS)}")
    parser.add_argument("--repeats", type=count, default=3, help="runs of each program of `ngram` (3)")
    parser.add_argument("--lstm-repeats", type=count, default=1, help="runs of each program of `lstm` (1)")
    parser.add_argument("--tenor-env", type=Path, default=Path(".venv"), help="Tenor's environment (.venv)")
    parser.add_argument(
        "--peers-env", type=Path, default=Path(".venv-bench"), help="the peers' environment (.venv-bench)"
    )
    parser.add_argument("--results", type=Path, default=BENCH, help="folder of RESULTS.md and results.json (bench)")
    return parser.parse_args()


def part_names(value: str) -> list[str]:
    """Names of parts, parted by commas, in the order they are run in."""
    named = [name.strip() for name in value.split(",")]
    unknown = [name for name in named if name not in PARTS]
    if unknown:
        raise argparse.ArgumentTypeError(f"there is no part {unknown[0]!r}. Parts: {', '.join(PARTS)}")
    return [name for name in PARTS if name in named]


def count(value: str) -> int:
    """A whole number of at least 1."""
    if not value.isdecimal() or int(value) < 1:
        raise argparse.ArgumentTypeError(f"{value!r} is not a whole number of at least 1")
    return int(value)


def command(name: str, args: argparse.Namespace) -> str:
    """The command that measures one part again."""
    repeats = {"ngram": f" --repeats {args.repeats}", "lstm": f" --lstm-repeats {args.lstm_repeats}"}
    data = "" if name == "startup" else f"{FOLDER_VARIABLE}=FOLDER "
    return f"{data}.venv/bin/python bench/run.py --only {name}{repeats.get(name, '')}"


def write(folder: Path, results: dict[str, Any]) -> None:
    """Write the raw figures and the page made from them."""
    text = json.dumps(results, indent=1) + "\n"
    (folder / "results.json").write_text(text, encoding="utf-8")
    (folder / "RESULTS.md").write_text(render(results), encoding="utf-8")


if __name__ == "__main__":
    main()
