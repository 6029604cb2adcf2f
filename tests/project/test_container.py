"""The commands of the Dockerfile do what they are there for."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LINES = (ROOT / "Dockerfile").read_text(encoding="utf-8").splitlines()


def command(instruction: str) -> list[str]:
    """The command of an instruction in its JSON form."""
    [line] = [line for line in LINES if line.startswith(instruction)]
    result: list[str] = json.loads(line[line.index("[") :])
    return result


def test_the_server_starts_and_its_health_is_told(model_folder: Path) -> None:
    assert command("ENTRYPOINT")[0] == "tenor"
    assert command("CMD") == ["/model"]
    arguments = [sys.executable, "-m", *command("ENTRYPOINT"), str(model_folder), "--port", "0"]
    [python, *check] = command("HEALTHCHECK")
    assert python == "python"
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        port = server.stderr.readline().strip().rpartition(":")[2]
        health = [sys.executable, *(part.replace(":8000/", f":{port}/") for part in check)]
        tries = (subprocess.run(health, capture_output=True, check=False).returncode for _ in range(50))
        assert 0 in tries
        server.terminate()
        server.wait(20)
        assert subprocess.run(health, capture_output=True, check=False).returncode != 0


def test_the_lock_file_gives_a_version_of_every_package() -> None:
    [line] = [line for line in LINES if "versions.txt" in line and line.startswith("RUN sed")]
    made = subprocess.run(
        ["sh", "-c", line.removeprefix("RUN ").partition(">")[0]], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    locked = re.findall(r"^([a-z0-9].*==\S+)", (ROOT / "requirements.lock").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(made) == len(locked)
    assert all(re.fullmatch(r"[a-z0-9.\[\]_-]+==[^ \\]+( ; .+)?", each) for each in made)
    assert not any("hash" in each for each in made)


def test_it_is_no_root_and_has_no_network_library() -> None:
    assert "USER 10001" in LINES
    [install] = [line for line in LINES if " install " in line]
    assert install.endswith("'.[serve]'")
