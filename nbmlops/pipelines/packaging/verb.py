"""The verb ``package``: a frozen pipeline in one file."""

from __future__ import annotations

import filecmp
import os
import secrets
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING

from nbmlops.core.errors import ConflictError, InvalidError, NotFoundError, RefusedError, UnavailableError
from nbmlops.core.refs import Ref
from nbmlops.pipelines.packaging.archive import SUFFIX, write
from nbmlops.pipelines.packaging.needed import needs_of, send
from nbmlops.pipelines.packaging.parts import DATA, head_of, parts_of
from nbmlops.pipelines.packaging.records import Package

if TYPE_CHECKING:
    from nbmlops.pipelines.planner import Planner
    from nbmlops.pipelines.stores import Stores
    from nbmlops.store.versions import Versions

__all__ = ["Packaging"]


class Packaging:
    """The verb that writes packages; `Planner.plan` reads them."""

    _stores: Stores
    _versions: Versions
    _planner: Planner

    def package(self, name: str, file: str | Path | None = None, *, with_data: bool = False) -> Package:
        """Write a frozen version into one file, which ``pipeline run FILE`` runs elsewhere.

        Parameters
        ----------
        name : str
            A frozen version, such as ``delays@production``. A working copy is refused: nothing has proved it.
        file : str or Path, optional
            Where to; ``NAME-vN.pipeline.zip`` in the current folder by default. The same version gives the same bytes.
        with_data : bool
            Whether the data and models that it reads come along. How those bytes are arranged may differ each time.

        Raises
        ------
        RefusedError
            When `name` is a working copy, or modules that it needs were not frozen with it.
        NotFoundError
            When there is no such version, or with `with_data` something that it reads is not here.
        ConflictError
            When another file is there already.
        InvalidError
            When the name of the file does not end as that of a package.
        """
        self._refuse_working_copy(Ref.parse(name))
        version = self._versions.resolve(name)
        frozen = self._planner.frozen(version)
        target = Path(file) if file is not None else Path(f"{version.name}-v{version.number}{SUFFIX}")
        if not target.name.endswith(SUFFIX):
            raise InvalidError(
                f"{target} is no name of a package", hint=f"let it end in {SUFFIX}: {target.name}{SUFFIX}"
            )
        parts = parts_of(frozen)
        with self._data(frozen.lock if with_data else {}) as data:
            _put(target, lambda sink: write(sink, head_of(frozen, version.number), {**parts, **data}))
        return Package(
            str(target),
            version.ref,
            version.digest,
            target.stat().st_size,
            tuple(frozen.notebooks),
            tuple(sorted(frozen.modules)),
            tuple(str(one["name"]) for one in frozen.schedules),
            tuple(map(str, needs_of(frozen.lock))),
            with_data,
        )

    def _refuse_working_copy(self, ref: Ref) -> None:
        if not ref.is_bare:
            return
        known = {version.name for version in self._versions.newest()}
        newest = self._versions.history(ref.name) if ref.name in known else []
        frozen = next((f"{ref.name}@{alias}" for version in newest for alias in version.aliases), None)
        hint = f"`ml pipeline package {frozen or newest[0].ref}`" if newest else f"`ml pipeline promote {ref.name}`"
        raise RefusedError(f"{ref.name} is the working copy, which nothing has proved", hint=hint)

    @contextmanager
    def _data(self, lock: Mapping[str, str]) -> Iterator[dict[str, Path]]:
        """The files of a remote that holds what a lock pins, by their path in the package."""
        if not lock:
            yield {}
            return
        folder = self._planner.scratch / f"package-{secrets.token_hex(8)}"
        try:
            folder.mkdir(parents=True)
            send(self._stores, lock, folder)
            found = sorted(path for path in folder.rglob("*") if path.is_file())
            yield {f"{DATA}{path.relative_to(folder).as_posix()}": path for path in found}
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _put(target: Path, fill: Callable[[IO[bytes]], None]) -> None:
    """Write a file whole or not at all, in the place of none but one that is the same."""
    made = target.with_name(f".{secrets.token_hex(8)}{target.name}")
    try:
        with made.open("xb") as sink:
            fill(sink)
            sink.flush()
            os.fsync(sink.fileno())
        if target.exists() and not filecmp.cmp(made, target, shallow=False):
            raise ConflictError(f"{target} is there already, and another", hint="give the package another name")
        made.replace(target)
    except OSError as error:
        if not target.parent.is_dir():
            raise NotFoundError(f"there is no folder {target.parent}", hint=f"mkdir -p {target.parent}") from error
        raise UnavailableError(
            f"cannot write {target}: {error.strerror}", hint="check permissions and free space"
        ) from error
    finally:
        made.unlink(missing_ok=True)
