"""A package that is damaged, foreign or hostile is refused before anything of it is written or executed."""

from __future__ import annotations

import io
import json
import stat
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbmlops.core import digests
from nbmlops.core.errors import CorruptError, InvalidError, NotFoundError, UnsupportedError
from nbmlops.pipelines import freezing
from nbmlops.pipelines.packaging.archive import MANIFEST, fault_of, opened, write
from nbmlops.pipelines.packaging.parts import frozen_of, head_of, parts_of, requirements
from nbmlops.workspace import Workspace

CELL = {"cell_type": "code", "id": "a", "metadata": {}, "source": "x = 1", "outputs": [], "execution_count": None}
PYTHON = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
NOTEBOOK = {"cells": [CELL], "metadata": PYTHON, "nbformat": 4, "nbformat_minor": 5}
FROZEN = freezing.Frozen(
    "sums",
    {"notebooks/sum.ipynb": NOTEBOOK},
    {"sum": {}},
    {},
    {"python": "3.12.1", "distributions": {"numpy": "2.0"}, "modules": {"lib/own.py": digests.of_bytes(b"y = 2")}},
    {"lib/own.py": b"y = 2"},
    ("lib",),
)


def made(
    head: Mapping[str, Any] | None = None,
    parts: Mapping[str, bytes] | None = None,
    frozen: freezing.Frozen = FROZEN,
) -> bytes:
    """A package of `FROZEN`, with something else in its manifest or in its parts."""
    sink = io.BytesIO()
    write(sink, {**head_of(frozen, 1), **(head or {})}, {**parts_of(frozen), **(parts or {})})
    return sink.getvalue()


def rezipped(change: Callable[[zipfile.ZipInfo], None], content: bytes | None = None) -> bytes:
    """The package with its notebook's entry changed, or with another content under it."""
    sink = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(made())) as source, zipfile.ZipFile(sink, "w") as target:
        for info in source.infolist():
            held = source.read(info)
            if info.filename == "project/notebooks/sum.ipynb":
                change(info)
                held = held if content is None else content
            target.writestr(info, held)
    return sink.getvalue()


def renamed(old: str, new: str) -> bytes:
    """The package with the name of a part put in another's place, in bytes of the same length."""
    assert len(old) == len(new)
    return made().replace(old.encode(), new.encode())


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as opened_:
        yield opened_


def everything(workspace: Workspace) -> set[Path]:
    return {path for path in workspace.marker.root.parent.rglob("*") if "catalog" not in path.name}


HOSTILE = {
    "a link": rezipped(lambda info: setattr(info, "external_attr", (stat.S_IFLNK | 0o777) << 16), b"/etc/passwd"),
    "a device": rezipped(lambda info: setattr(info, "external_attr", (stat.S_IFCHR | 0o666) << 16)),
    "a folder": rezipped(lambda info: setattr(info, "external_attr", (stat.S_IFDIR | 0o755) << 16)),
    "set user id": rezipped(lambda info: setattr(info, "external_attr", 0o104755 << 16)),
    "a way up": renamed("project/notebooks/sum", "project/../../../../s"),
    "a way up in the manifest": made({"notebooks": ["../sum.ipynb"]}),
    "an absolute path": renamed("project/notebooks/sum.ipynb", "/tmp/nbmlops_harm_xx.ipynb_"),
    "an absolute path in the manifest": made({"notebooks": ["/tmp/sum.ipynb"]}),
    "a backslash": renamed("project/notebooks/sum.ipynb", "project\\notebooks\\sum.ipynb"),
    "a NUL": renamed("project/notebooks/sum.ipynb", "project/notebooks/sum.ipyn\x00"),
    "compressed": rezipped(lambda info: setattr(info, "compress_type", zipfile.ZIP_DEFLATED)),
    "a bomb": rezipped(lambda info: setattr(info, "compress_type", zipfile.ZIP_DEFLATED), bytes(10_000_000)),
    "another content": rezipped(lambda _: None, b"{}"),
    "one more part": made(parts={"project/sitecustomize.py": b"import os"}),
    "another name": made({"name": "../../sums"}),
    "no name": made({"name": 7}),
    "another digest": made({"digest": "0" * 64}),
    "a folder of the path outside": made(frozen=freezing.Frozen(**{
        name: getattr(FROZEN, name) for name in FROZEN.__slots__ if name != "path"
    }, path=("../../usr",))),
    "requirements of somebody else": made(parts={"requirements.txt": b"evil==1.0\n"}),
    "parts that are no JSON": made(parts={"lock.json": b"{"}),
    "parts of another kind": made(parts={"lock.json": b"[1]"}),
    "deep JSON": made(parts={"lock.json": b"[" * 200_000}),
    "no package": b"PK\x05\x06" + bytes(18),
    "a notebook": json.dumps(NOTEBOOK).encode(),
    "nothing": b"",
}  # fmt: skip


@pytest.mark.parametrize("content", HOSTILE.values(), ids=HOSTILE)
def test_what_no_package_is_is_refused_and_leaves_nothing(workspace: Workspace, content: bytes) -> None:
    file = workspace.marker.root / "sent.pipeline.zip"
    file.write_bytes(content)
    workspace.run.list()
    before = everything(workspace)
    with pytest.raises(CorruptError, match=r"sent\.pipeline\.zip is refused: "):
        workspace.pipeline.run(str(file))
    assert everything(workspace) == before
    assert workspace.run.list() == []


def test_the_package_itself_is_one(tmp_path: Path) -> None:
    file = tmp_path / "sent.pipeline.zip"
    file.write_bytes(made())
    with opened(file) as archive:
        assert frozen_of(archive) == freezing.thaw(freezing.freeze(FROZEN))
    assert made() == made()


@given(st.data())
def test_a_package_that_is_cut_off_or_has_another_byte_gives_the_same_or_nothing(data: st.DataObject) -> None:
    whole = made()
    at = data.draw(st.integers(0, len(whole) - 1))
    cut = data.draw(st.booleans())
    other = whole[:at] if cut else whole[:at] + bytes([whole[at] ^ data.draw(st.integers(1, 255))]) + whole[at + 1 :]
    assert found_in(other) in (freezing.freeze(FROZEN), None)


def found_in(content: bytes) -> bytes | None:
    """What is frozen in a package; None when it is refused."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "sent.pipeline.zip"
        file.write_bytes(content)
        try:
            with opened(file) as archive:
                return freezing.freeze(frozen_of(archive))
        except (CorruptError, UnsupportedError):
            return None


def test_parts_that_lie_over_each_other_are_refused(tmp_path: Path) -> None:
    # As in https://www.bamsoftware.com/hacks/zipbomb/: many entries of the list point to one and the same part.
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as file:
        file.writestr(zipfile.ZipInfo("a"), bytes(10_000))
        (info,) = file.filelist
        info.external_attr = 0o100644 << 16
        for number in range(100):
            more = zipfile.ZipInfo(f"{number}")
            for name in ("external_attr", "file_size", "compress_size", "CRC", "header_offset", "create_system"):
                setattr(more, name, getattr(info, name))
            file.filelist.append(more)
    (tmp_path / "bomb.pipeline.zip").write_bytes(sink.getvalue())
    with pytest.raises(CorruptError, match="its parts lie over each other"), opened(tmp_path / "bomb.pipeline.zip"):
        pass


def test_a_package_of_a_newer_protocol_is_told_by_its_number(tmp_path: Path) -> None:
    file = tmp_path / "new.pipeline.zip"
    file.write_bytes(made({"protocol": 2}))
    with pytest.raises(UnsupportedError, match="has protocol 2, this nbmlops reads up to 1"), opened(file):
        pass
    with pytest.raises(NotFoundError, match="there is no file"), opened(tmp_path / "absent.pipeline.zip"):
        pass


@pytest.mark.parametrize(
    ("names", "fault"),
    [
        (["a", "A"], "are one name on macOS"),
        (["é", "e\u0301"], "are one name on macOS"),
        (["a", "a"], "'a' is there twice"),
        (["a/b", "a"], "'a/b' lies in a file"),
        (["a/../b"], "is no path inside of it"),
        (["a/"], "is no path inside of it"),
        (["x" * 1_001], "is no path inside of it"),
    ],
)
def test_paths_that_cannot_lie_side_by_side_are_no_parts(names: list[str], fault: str) -> None:
    assert fault in (fault_of(names) or "")
    with pytest.raises(InvalidError, match="this cannot be packaged"):
        write(io.BytesIO(), {}, dict.fromkeys([*names, names[0] + "\\"], b""))


def test_a_manifest_that_is_none_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "odd.pipeline.zip"
    for manifest in (b"[]", b"{", b'{"protocol": 1}', b'{"protocol": 1, "parts": [["a", 1]]}'):
        with zipfile.ZipFile(file, "w") as sink:
            info = zipfile.ZipInfo(MANIFEST)
            info.external_attr = 0o100644 << 16
            sink.writestr(info, manifest)
        with pytest.raises(CorruptError, match=r"its manifest\.json is none"), opened(file):
            pass


def test_requirements_name_each_distribution_exactly() -> None:
    assert requirements(FROZEN.environment) == "# Python 3.12.1\n# nbmlops is not installed\nnumpy==2.0\n"
