"""Who is still writing, asked from another process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from nbmlops.store.liveness import Writer, is_alive

_HOLD = """
import sys
from pathlib import Path
from nbmlops.store.liveness import Writer
print(Writer(Path(sys.argv[1])).token, flush=True)
sys.stdin.read()
"""


def hold(folder: Path) -> tuple[subprocess.Popen[str], str]:
    """Start a process that is a writer of `folder` until it is killed."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_a_writer_is_alive_until_it_is_killed_and_its_file_goes_with_who_looks(tmp_path: Path) -> None:
    process, token = hold(tmp_path)
    assert is_alive(tmp_path, token)
    process.kill()
    process.communicate()
    assert (tmp_path / token).exists()
    assert not is_alive(tmp_path, token)
    assert not (tmp_path / token).exists()


def test_a_writer_of_another_folder_is_left_to_those_who_have_that_folder(tmp_path: Path) -> None:
    here, there = Writer(tmp_path / "here"), Writer(tmp_path / "there")
    assert here.token.partition("-")[0] != there.token.partition("-")[0]
    token = there.token
    there.close()
    assert is_alive(tmp_path / "here", token)
    assert not is_alive(tmp_path / "there", token)
    here.close()


def test_a_folder_that_never_had_a_writer_judges_nobody(tmp_path: Path) -> None:
    assert is_alive(tmp_path, "0123456789abcdef-" + "0" * 32)


def test_a_forked_child_is_a_writer_of_its_own(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    token = writer.token
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writing, writer.token.encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100).decode() not in {token, ""}
    os.close(reading)
    os.close(writing)
    assert is_alive(tmp_path, token)
    writer.close()
