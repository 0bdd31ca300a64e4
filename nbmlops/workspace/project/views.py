"""How a new project looks: what was decided about the table, what was made, what was left, and what to type next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator

from nbmlops.render.dispatch import looks
from nbmlops.render.look import Facts, Lines, Look, Part, line
from nbmlops.render.units import count
from nbmlops.workspace.project.records import Project

__all__: list[str] = []

_MOST = 8


@looks(Project)
def _(project: Project) -> Look:
    told = line(
        f"project {project.name}",
        Part("made" if project.written else "not made: --dry-run", "good" if project.written else "warn"),
        f"{count(len(project.made), 'new file')}",
        f"{len(project.kept)} left as they are" if project.kept else None,
        project.git,
    )
    about = line(
        f"predicts {project.target} ({project.kind})",
        f"from {count(project.inputs, 'column')} of {count(project.rows, 'row')}",
    )
    left = tuple(line(Part(f"! {column} is left out", "warn"), why) for column, why in _first(project.left_out.items()))
    more = len(project.left_out) - len(left)
    rest = (
        (line(Part(f"… {count(more, 'more column')} left out: src/{project.package}/columns.py", "muted")),)
        if more
        else ()
    )
    kept = tuple(line(Part(f"= {name} was there and is as it was", "muted")) for name in project.kept)
    made = {} if project.written else {"would be new": ", ".join(project.made)}
    return Look(
        told,
        body=(Lines((about, *left, *rest, *kept, *_next(project))), *((Facts.of(made),) if made else ())),
        more=(Facts.of({"folder": project.folder, "files": ", ".join(project.made)}),),
    )


def _first(pairs: object) -> list[tuple[str, str]]:
    return list(pairs)[:_MOST]  # type: ignore[call-overload, no-any-return]


def _next(project: Project) -> Iterator[tuple[Part, ...]]:
    if not project.written:
        return
    if "pyproject.toml" in project.kept:
        lines = f'[tool.nbmlops.pipelines] {project.package} = ["notebooks/[1-4]_*.ipynb"]'
        yield line(Part(f"next: add to pyproject.toml: {lines}", "warn"))
    yield line(Part(f"next: cd {shlex.quote(project.folder)} && make test && make pipeline && make report", "muted"))
