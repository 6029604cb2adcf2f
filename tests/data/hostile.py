"""Files that mean harm, drawn from a seed: bombs, endless rows, deep nesting, damage.

Each is read, or refused in words. This reads so many of them under limits of memory and time, and exits with 1 where a
file breaks that promise:

    PYTHONPATH=tests python tests/data/hostile.py [ROUNDS [SEED]]
"""

import bz2
import io
import json
import lzma
import random
import re
import resource
import signal
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pyarrow.ipc
import pyarrow.parquet

from helpers.tables import pack
from tenor.data import dataset
from tenor.data.io import arrow_sizes, table
from tenor.data.read_options import ReadOptions
from tenor.errors import TenorError

MEMORY = 1200 << 20  # bytes beyond those that the process has before
SECONDS = 30  # of the processor, for one file

File = tuple[str, bytes]  # the ending of its name, and what is in it


def files(rounds: int, seed: int = 0) -> Iterator[File]:
    """So many files; a third of them are damaged as well."""
    draw = random.Random(seed)
    for _ in range(rounds):
        ending, data = draw.choice(_SHAPES)(draw)
        if draw.random() < 1 / 3 and data:
            changed = bytearray(data)
            for _ in range(draw.choice((1, 1, 4, 30))):
                changed[_place(draw, len(changed))] = draw.choice((0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)))
            data = bytes(changed[: draw.randrange(len(changed)) + 1 if draw.random() < 1 / 4 else None])
        yield ending, data


def check(path: Path, name: str) -> str:
    """Read a file, and say `read`, or `refused` and why. Raises whatever is no error in words."""
    try:
        for chunk in table.open_table(path).chunks:
            assert len({len(values) for values in chunk.columns.values()}) <= 1
        dataset.read(path, ReadOptions(on_disk=None))
    except TenorError as error:
        refusal = error
    else:
        return "read"
    message = str(refusal)
    assert message.startswith(name), message[:1_000]
    assert refusal.remedy, message[:1_000]
    assert len(message) < 20_000, message[:1_000]
    return f"refused: {message[:150]}"


def write(folder: Path, rounds: int, seed: int) -> None:
    """Write files, each under its number; what they are made of stays below 200 MB."""
    for number, (ending, data) in enumerate(files(rounds, seed)):
        (folder / f"{number:06}.{ending}").write_bytes(data)


def read_all(folder: Path) -> int:
    """Read the files of a folder in this process, which gets limits; the exit status."""
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (6 << 30 if most == resource.RLIM_INFINITY else most, most))
    signal.signal(signal.SIGVTALRM, _too_slow)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    refused = grown = count = 0
    for path in sorted(folder.iterdir()):
        signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
        try:
            refused += check(path, path.name) != "read"
        except BaseException as error:
            print(f"{path.name}: {type(error).__name__}: {str(error)[:500]}")
            raise
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        grown, count = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10, count + 1
        if grown > MEMORY:
            print(f"{path.name}: it took {grown >> 20} MB")
            return 1
    print(f"{count} files, of which {refused} were refused; {grown >> 20} MB at most")
    return 0


def main(rounds: int, seed: int) -> int:
    """Write files, and read them in a process of their own, a hundred at a time; the exit status."""
    for begin in range(0, rounds, 100):
        with tempfile.TemporaryDirectory() as folder:
            write(Path(folder), min(100, rounds - begin), seed + begin)
            done = subprocess.run([sys.executable, __file__, folder], check=False)
            if done.returncode:
                print(f"seed {seed + begin}: exit status {done.returncode}")
                return 1
    return 0


def _too_slow(*_: Any) -> None:
    raise TimeoutError(f"it took more than {SECONDS} s")


def _place(draw: random.Random, size: int) -> int:
    """Somewhere, and often near the end, where the footers are."""
    return max(0, size - 1 - draw.randrange(600)) if draw.random() < 0.5 else draw.randrange(size)


def _many(draw: random.Random, most: int) -> int:
    """A number whose length is drawn: as often below 10 as between a tenth of the most and the most."""
    return int(most ** draw.random())


def _json_value(draw: random.Random) -> str:
    depth, many = _many(draw, 2_000), _many(draw, 3_000_000)
    return draw.choice(
        (
            "[" * depth + "]" * depth,
            '{"a":' * depth + "1" + "}" * depth,
            "[" + "[]," * min(many, 500_000) + "1]",
            "[" + "1," * many + "1]",
            '"' + "x" * many + '"',
            '"' + r"\"" * (many // 2) + '"',
            '"' + r"\ud83d" * _many(draw, 10) + '"',
            "1" * _many(draw, 100_000),
            f"1e{many}",
            f"-{many}",
            draw.choice(("NaN", "Infinity", "null", "true", '""', "[", "}", '"')),
        )
    )


def _object(draw: random.Random) -> str:
    keys = [f"k{key}" for key in range(_many(draw, 30_000) if draw.random() < 0.2 else 2)]
    keys[: draw.randrange(3)] = ["text", "label"]
    if draw.random() < 0.05:
        keys.append(keys[0])
    values = (_json_value(draw) if draw.random() < 1 / (2 + len(keys)) else '"a"' for _ in keys)
    return "{" + ", ".join(f'"{key}": {value}' for key, value in zip(keys, values, strict=False)) + "}"


def _task(draw: random.Random) -> str:
    value = _json_value(draw)
    result = draw.choice((value, f'[{{"type": "choices", "from_name": "q", "value": {{"choices": [{value}]}}}}]'))
    return f'{{"data": {{"text": "a"}}, "annotations": [{{"result": {result}}}]}}'


def _json_lines(draw: random.Random) -> File:
    rows = [_object(draw) for _ in range(draw.randrange(1, 5))] * draw.choice((1, 1, 3))
    return _packed(draw, "jsonl", "\n".join(rows).encode())


def _json_list(draw: random.Random) -> File:
    make = draw.choice((_object, _task))
    text = "[" + ",".join(make(draw) for _ in range(draw.randrange(1, 5))) + draw.choice(("]", "]", "", ",]", "] 1"))
    return _packed(draw, "json", text.encode(draw.choice(("utf-8", "utf-8", "utf-16"))))


def _delimited(draw: random.Random) -> File:
    many = _many(draw, 2_000_000)
    cell = draw.choice(
        ("a" * many, ";" * many, '"' + "\n" * many + '"', '"' * many, "[" * many, "," * many, "1" * many)
    )
    header = draw.choice(
        (
            "text,label",
            "text,label",
            "x" * many,
            "text," + "x" * many,
            ",".join(f"c{at}" for at in range(min(many, 20_000))),
        )
    )
    return _packed(draw, "csv", (f"{header}\na,b\n{cell},{cell[:9]}\n" + "a,c\n" * _many(draw, 9_999)).encode())


def _lines(draw: random.Random) -> File:
    many = _many(draw, 2_000_000)
    return _packed(draw, "txt", (draw.choice(("__label__a ", "__label__", "x", "好")) * many + " end\n").encode() * 2)


def _packed(draw: random.Random, ending: str, data: bytes) -> File:
    packing = draw.choice(("", "", ".gz", ".zst"))
    if packing and draw.random() < 0.1:
        data *= max(1, min(10_000, (150 << 20) // len(data)))
    return ending + packing, pack(data, packing)


def _column(draw: random.Random, rows: int, depth: int = 0) -> Any:
    """So many values, which may take far more room than they do in the file."""
    size = _many(draw, 1_000_000)
    one = pyarrow.array(["x" * size])
    kind = draw.randrange(9 if depth < 3 else 4)
    if kind == 0:
        return pyarrow.array(["a", None, "b" * min(size, 100)] * (rows // 3 + 1))[:rows]
    if kind == 1:
        return pyarrow.DictionaryArray.from_arrays(pyarrow.array([0] * rows, pyarrow.int32()), one)
    if kind == 2:
        return pyarrow.nulls(rows, draw.choice((pyarrow.string(), pyarrow.int64(), pyarrow.null())))
    if kind == 3:
        return pyarrow.array(range(rows))
    if kind == 4:
        return pyarrow.RunEndEncodedArray.from_arrays(pyarrow.array([rows], pyarrow.int32()), one)
    values = _many(draw, 100_000)
    inner = _column(draw, values, depth + 1)
    if kind == 5:
        ends = [0, *sorted(draw.randrange(values + 1) for _ in range(rows - 1)), values]
        return pyarrow.ListArray.from_arrays(pyarrow.array(ends, pyarrow.int32()), inner)
    if kind == 6:
        begins = pyarrow.array([0] * rows, pyarrow.int32())
        return pyarrow.ListViewArray.from_arrays(begins, pyarrow.array([values] * rows, pyarrow.int32()), inner)
    if kind == 7:
        return pyarrow.StructArray.from_arrays([_column(draw, rows, depth + 1)], ["a"])
    view = size.to_bytes(4, "little") + b"xxxx" + bytes(8)
    if size <= 12:
        view = size.to_bytes(4, "little") + b"x" * size + bytes(12 - size)
    buffers = [None, pyarrow.py_buffer(view * rows), pyarrow.py_buffer(b"x" * size)]
    return pyarrow.Array.from_buffers(pyarrow.string_view(), rows, buffers)


def _arrow_table(draw: random.Random, rows: int) -> Any:
    names = ["text", "label", "more"][: draw.randrange(1, 4)]
    return pyarrow.record_batch([_column(draw, rows) for _ in names], names)


def _arrow(draw: random.Random) -> File:
    batch = _arrow_table(draw, 1 + _many(draw, 20_000))
    stream = io.BytesIO()
    options = pyarrow.ipc.IpcWriteOptions(compression=draw.choice((None, "zstd", "lz4")))
    with draw.choice((pyarrow.ipc.new_file, pyarrow.ipc.new_stream))(stream, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return "arrow", stream.getvalue()


def _parquet(draw: random.Random) -> File:
    rows = 1 + _many(draw, 20_000)
    while True:
        packed = draw.random() < 0.8  # else every value is written out
        batch, stream = _arrow_table(draw, rows if packed else min(rows, 100)), io.BytesIO()
        repeated = packed and all(map(pyarrow.types.is_dictionary, batch.schema.types))
        if not repeated and arrow_sizes.row_sizes(batch).sum() > 200 << 20:  # which the writer would need, too
            rows = 1 + rows // 2
            continue
        try:
            pyarrow.parquet.write_table(
                pyarrow.Table.from_batches([batch]),
                stream,
                compression=draw.choice(("none", "snappy", "zstd", "gzip", "lz4", "brotli")),
                use_dictionary=packed,
                dictionary_pagesize_limit=1 << 24,
                data_page_version=draw.choice(("1.0", "2.0")),
                store_schema=draw.random() < 0.5,
            )
        except (pyarrow.ArrowException, OSError):  # views and runs have no form in Parquet
            rows = 1 + rows // 2
            continue
        return "parquet", stream.getvalue()


def _any_json(draw: random.Random) -> File:
    return "jsonl", json.dumps({"text": "a" * _many(draw, 1_000), "label": draw.random()}).encode()


def _wrapped_json(draw: random.Random) -> File:
    rows = ",".join(_object(draw) for _ in range(_many(draw, 50)))
    shapes = (
        f'{{"version": {_json_value(draw)}, "data": [{rows}]}}',
        f'{{"data": [{rows}], "more": [{rows}]}}',
        f'{{"columns": ["text", "label"], "data": [[{rows}]]}}',
        f'{{"text": {_json_value(draw)}, "label": {_json_value(draw)}}}',
        f'{{"text": {{"0": {_json_value(draw)}}}, "label": {{"0": "a"}}}}',
    )
    return "json", draw.choice(shapes).encode("utf-8", "surrogatepass")


def _compressed(draw: random.Random) -> File:
    """Text that is compressed well, often far too well, or is no text."""
    ending = draw.choice(("bz2", "xz", "zip"))
    line = draw.choice((b"a,b\n", b"\0", b'"', b"x"))
    text = draw.choice((b"text,label\n", b"")) + line * _many(draw, 500_000 if ending == "bz2" else 20_000_000)
    if ending == "bz2":
        return "csv.bz2", bz2.compress(text, 1)
    if ending == "xz":
        return "csv.xz", lzma.compress(text, preset=0)
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for number in range(draw.choice((1, 1, 1, 2, 0))):
            archive.writestr(draw.choice((f"{number}.csv", f"../{number}.csv", f"{number}.zip", "a/")), text)
    return "zip", stream.getvalue()


def _workbook(draw: random.Random) -> File:
    """A workbook with sparse, many or repeated cells."""
    reference = draw.choice(("A1", "XFD1048576", "A1048576", "ZZZZ9", "A0", ""))
    cell = draw.choice(
        ('t="s"><v>0</v>', 't="s"><v>9</v>', "><v>1e999</v>", 't="d"><v>x</v>', 't="b"><v>2</v>', "><v/>")
    )
    first = '<c r="A1" t="inlineStr"><is><t>text</t></is></c><c r="B1" t="inlineStr"><is><t>label</t></is></c>'
    cells = f'<c r="{reference}" {cell}</c>' * _many(draw, 100_000)
    sheet = f'<sheetData><row r="1">{first}</row><row r="2">{cells}</row></sheetData>'
    shared = f"<si><t>{'x' * _many(draw, 1_000_000)}</t></si>"
    if draw.random() < 0.2:
        shared = f'<!DOCTYPE a [<!ENTITY b "{"x" * 1_000}"><!ENTITY c "{"&b;" * 1_000}">]>{shared.replace("x", "&c;")}'
    stream = io.BytesIO()
    openpyxl.Workbook().save(stream)
    parts = zipfile.ZipFile(stream)
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in parts.namelist():
            data = parts.read(name)
            if name == "xl/worksheets/sheet1.xml":
                data = re.sub(rb"<sheetData ?/>|<sheetData>.*</sheetData>", sheet.encode(), data, flags=re.DOTALL)
            if name == "xl/sharedStrings.xml":
                data = re.sub(rb"<sst[^>]*/>", b"", data)
            archive.writestr(name, data)
        space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        archive.writestr("xl/sharedStrings.xml", f'<sst xmlns="{space}">{shared}</sst>')
    return "xlsx", changed.getvalue()


def _other_encoding(draw: random.Random) -> File:
    words = draw.choice(("schöne Größe", "хороший товар", "服务很好", "とても良い", "좋습니다"))
    encoding = draw.choice(("utf-16-le", "utf-32", "cp1252", "cp1251", "gb18030", "big5", "cp932", "cp949", "euc-jp"))
    rows = "".join(f"{words} {at},a\n" for at in range(_many(draw, 10_000)))
    data = f"text,label\n{rows}".encode(encoding, "ignore")
    return draw.choice(("csv", "txt", "tsv")), data


_SHAPES: list[Callable[[random.Random], File]] = [
    _json_lines, _json_list, _delimited, _lines, _arrow, _arrow, _parquet, _parquet, _any_json,
    _wrapped_json, _compressed, _workbook, _other_encoding,
]  # fmt: skip

if __name__ == "__main__":
    if sys.argv[1:] and Path(sys.argv[1]).is_dir():
        sys.exit(read_all(Path(sys.argv[1])))
    sys.exit(main(*map(int, (*sys.argv[1:], *("300", "0")[len(sys.argv) - 1 :]))))
