"""Backups: everything comes back, nothing half, whatever the file has been through."""

from __future__ import annotations

import json
import math
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sqlalchemy import func, select, text

from nbmlops.core.errors import ConflictError, CorruptError, NotFoundError, UnsupportedError
from nbmlops.store import migrate, schema
from nbmlops.store.catalog import Catalog
from nbmlops.workspace import Workspace

OF_PLACE = {"chunk", "journal", "object", "removal", "turn", "writer"}


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    with Workspace.init(tmp_path / "project") as made:
        frame = pd.DataFrame({"x": [1, 2, 3]})
        with made.run("gbm", {"depth": 4, "name": "größe", "none": None}, {"owner": "me"}) as run:
            made.data.save(frame, "flights", message="the first")
            run.log(auc=0.9, loss=math.inf, bad=math.nan)
            run.log(auc=0.8)
        made.data.save(frame.assign(x=0), "flights", alias="golden")
        yield made


def content(workspace: Workspace) -> dict[str, Any]:
    def every(connection: Any) -> dict[str, Any]:
        return {
            table.name: sorted(map(repr, connection.execute(select(table)).all()))
            for table in schema.metadata.sorted_tables
            if table.name not in OF_PLACE
        }

    return workspace.catalog.read(every)


def test_a_catalog_is_what_it_was(workspace: Workspace, tmp_path: Path) -> None:
    before = content(workspace)
    done = workspace.store.backup(tmp_path / "a.zip")
    assert done.rows == sum(map(len, before.values()))
    workspace.data.save(pd.DataFrame({"y": [1]}), "more")
    with workspace.run("later") as run:
        run.log(auc=1)
    workspace.data.delete("flights@v1")
    assert content(workspace) != before
    assert workspace.store.restore(tmp_path / "a.zip", replace=True).rows == done.rows
    assert content(workspace) == before
    assert workspace.run.show("gbm").metrics["loss"] == math.inf
    assert workspace.data.load("flights@golden").x.tolist() == [0, 0, 0]
    # Numbers go on after those that came back.
    workspace.data.save(pd.DataFrame({"y": [1]}), "flights")
    assert workspace.data.show("flights").number == 3
    assert workspace.audit.verify()


def test_with_its_packs_a_catalog_is_restored_in_another_folder(workspace: Workspace, tmp_path: Path) -> None:
    workspace.store.backup(tmp_path / "a.zip")
    with Workspace.init(tmp_path / "other") as other:
        shutil.copytree(workspace.marker.state / "objects", other.marker.state / "objects", dirs_exist_ok=True)
        other.store.restore(tmp_path / "a.zip")
        assert other.data.load("flights@golden").x.tolist() == [0, 0, 0]
        assert other.store.verify(full=True).ok


def test_what_was_logged_is_in_it_though_nobody_looked(workspace: Workspace, tmp_path: Path) -> None:
    run = workspace.run("live")
    run.log(loss=1.5)
    workspace.store.backup(tmp_path / "a.zip")
    with Workspace.init(tmp_path / "other") as other:
        other.store.restore(tmp_path / "a.zip")
        assert other.run.history("live", "loss") == [(0, 1.5)]
    run.finish()


def test_a_catalog_that_holds_something_is_not_let_go_unasked(workspace: Workspace, tmp_path: Path) -> None:
    before = content(workspace)
    workspace.store.backup(tmp_path / "a.zip")
    with pytest.raises(ConflictError, match="--replace"):
        workspace.store.restore(tmp_path / "a.zip")
    assert content(workspace) == before


def test_a_backup_is_not_written_over(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("mine")
    with pytest.raises(ConflictError, match="there already"):
        workspace.store.backup(tmp_path / "a.zip")
    assert (tmp_path / "a.zip").read_text() == "mine"
    with pytest.raises(NotFoundError, match="there is no folder"):
        workspace.store.backup(tmp_path / "none" / "a.zip")


def test_what_is_no_backup_or_none_of_ours_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_text("no zip")
    with pytest.raises(CorruptError, match="cannot be restored"):
        workspace.store.restore(tmp_path / "a.zip", replace=True)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        archive.writestr("x", "y")
    with pytest.raises(CorruptError, match="no backup of a catalog"):
        workspace.store.restore(tmp_path / "b.zip", replace=True)
    with pytest.raises(NotFoundError, match="there is no file"):
        workspace.store.restore(tmp_path / "c.zip")


def rewritten(path: Path, change: Any) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in members.items():
            archive.writestr(name, body)


def test_any_damage_leaves_the_catalog_as_it_was(workspace: Workspace, tmp_path: Path) -> None:
    before = content(workspace)

    def shorter(members: dict[str, bytes]) -> None:
        members["param.jsonl"] = b"".join(members["param.jsonl"].splitlines(keepends=True)[:-1])

    def other(members: dict[str, bytes]) -> None:
        members["param.jsonl"] = members["param.jsonl"].replace(b"depth", b"width")

    def broken(members: dict[str, bytes]) -> None:
        members["version.jsonl"] = members["version.jsonl"][:-9] + b"\n"

    for number, change in enumerate((shorter, other, broken)):
        path = tmp_path / f"{number}.zip"
        workspace.store.backup(path)
        rewritten(path, change)
        with pytest.raises(CorruptError):
            workspace.store.restore(path, replace=True)
        assert content(workspace) == before


def test_a_newer_one_is_refused(workspace: Workspace, tmp_path: Path) -> None:
    def newer(members: dict[str, bytes]) -> None:
        members["backup.json"] = json.dumps({**json.loads(members["backup.json"]), "revision": "9999"}).encode()

    workspace.store.backup(tmp_path / "a.zip")
    rewritten(tmp_path / "a.zip", newer)
    with pytest.raises(UnsupportedError, match="pip install --upgrade nbmlops"):
        workspace.store.restore(tmp_path / "a.zip", replace=True)


def test_an_older_one_is_brought_to_todays_tables(tmp_path: Path) -> None:
    older = tmp_path / "older.db"
    migrate.upgrade(f"sqlite:///{older}", "0004")
    catalog = Catalog(f"sqlite:///{older}")

    def fill(connection: Any) -> None:
        connection.execute(
            text(
                "INSERT INTO run (id, sequence, experiment, number, kind, status, started_at, as_of)"
                " VALUES ('r', 1, 'gbm', 1, 'run', 'finished', 5, 0)"
            )
        )
        for step, value in enumerate((0.5, 0.7, None)):
            row = {"step": step, "value": value, "at": 10 + step}
            connection.execute(
                text("INSERT INTO metric (run_id, key, step, value, at) VALUES ('r', 'auc', :step, :value, :at)"), row
            )
        connection.execute(text("INSERT INTO param VALUES ('r', 'depth', '4')"))

    catalog.transact(fill)
    path = tmp_path / "a.zip"
    _write_as_of(catalog, "0004", path)
    catalog.close()
    with Workspace.init(tmp_path / "project") as workspace:
        workspace.store.restore(path)
        assert workspace.run.show("gbm").params == {"depth": 4}
        steps = workspace.run.history("gbm", "auc")
        assert repr(steps) == repr([(0, 0.5), (1, 0.7), (2, math.nan)])
        assert [run.name for run in workspace.run.list(where="params.depth = 4")] == ["gbm-1"]


def _write_as_of(catalog: Catalog, revision: str, path: Path) -> None:
    """A backup as the nbmlops of that revision would have written it."""
    import hashlib

    from sqlalchemy import JSON, Float, MetaData

    there = MetaData()

    def read(connection: Any) -> dict[str, list[list[Any]]]:
        there.reflect(connection)
        assert connection.execute(select(func.count()).select_from(there.tables["metric"])).scalar() == 3
        return {t.name: [list(row) for row in connection.execute(select(t))] for t in there.sorted_tables}

    rows = catalog.read(read)
    rows.pop("alembic_version")
    bodies = {name: "".join(json.dumps(row) + "\n" for row in some).encode() for name, some in rows.items()}
    kind = {JSON: "json", Float: "float"}
    columns = {
        name: [
            [c.name, next((word for cls, word in kind.items() if isinstance(c.type, cls)), "plain")]
            for c in there.tables[name].columns
        ]
        for name in rows
    }
    head = {
        "nbmlops-backup": 1,
        "revision": revision,
        "columns": columns,
        "rows": {name: len(some) for name, some in rows.items()},
        "digests": {name: hashlib.sha256(body).hexdigest() for name, body in bodies.items()},
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, body in bodies.items():
            archive.writestr(f"{name}.jsonl", body)
        archive.writestr("backup.json", json.dumps(head))
