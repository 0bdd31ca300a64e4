"""The grammar as one table: every verb, where it is in Python, what it takes, and which faces have it.

The tree is built from it, and the parity test, the README and ``%ml?`` walk it. Everything is
``NOUN VERB`` except the few verbs whose noun is the workspace itself.
"""

from __future__ import annotations

from types import MappingProxyType

from nbmlops.commands.verb import Verb
from nbmlops.core.errors import NotFoundError, nearest

__all__ = ["NOUNS", "VERBS", "Verb", "find", "of", "overview"]

NOUNS = MappingProxyType(
    {
        "data": "Versions of tables, files and folders",
        "run": "Recorded executions: params, metrics, inputs and outputs",
        "check": "Expectations about data, and the reports on them",
        "model": "Versions of trained models, signed, promoted through gates",
        "pipeline": "Notebooks as steps: run, prove, promote",
        "schedule": "What starts when: times, events, the daemon",
        "ci": "Continuous integration: judge every push, promote on a tag",
        "remote": "Places to push to and pull from",
        "store": "Care of the stored bytes",
    }
)
"""The nouns and what they are about; each is a module of this package."""

_DRAWN = MappingProxyType({"progress": "the face draws the progress itself"})

VERBS = (
    Verb("", "init", "[PATH]", "Make a workspace in a folder.", "ml.init"),
    Verb("", "status", "", "Say where one stands: workspace, git, active run.", "ml.status"),
    Verb("", "doctor", "", "Look whether everything is in order.", "ml.doctor", only_python={"path": "cd there"}),
    Verb("", "trust", "[PATH]", "Trust a workspace that someone else made.", "ml.trust"),
    Verb(
        *("", "demo", "[PATH]", "Do the main job on real flights, in a new folder.", "demo.story.run_demo"),
        exempt={"python": "it stands above the workspace: nbmlops.demo.story.run_demo(folder, teller)"},
    ),
    Verb(
        *("", "lint", "TARGET", "Find what would stop a notebook or a pipeline from running at night.", "ml.lint"),
        only_here=dict.fromkeys(("fix", "yes"), "in Python: ml.pipeline.fix(target, yes=True)"),
    ),
    Verb(
        *("", "step", "[NOTEBOOK]", "Say how a notebook wants to run as a step; a cell's body says it.", "ml.step"),
        body="settings",
        only_python={"settings": "the body of the cell"},
    ),
    Verb(
        *("", "reproduce", "RUN", "Execute a run again and tell whether it gives the same.", "ml.reproduce"),
        only_python=_DRAWN,
    ),
    Verb(
        *("", "lineage", "REF", "Draw what a version came from and what was built on it.", "ml.lineage"),
        only_here={"mermaid": "in Python: ml.lineage(ref).mermaid()"},
    ),
    Verb(
        *("", "log", "KEY=VALUE…", "Log metrics to the active run.", "ml.log"),
        only_here={"artifact": "in Python: run.artifact(value, name)"},
        only_python={"metrics": "pairs of key=value are one mapping here"},
    ),
    Verb(
        *("", "panel", "[NAME]", "Look at what is stored, and act on it, in the cell below.", "ml.panel"),
        exempt={"shell": "a panel is drawn below a cell: in a shell it says so"},
    ),
    Verb(
        *("", "ui", "", "Serve the panels as a page, until stopped.", "ml.ui"),
        exempt=dict.fromkeys(("python", "cell"), "it serves until it is stopped: there `panel` is what shows them"),
    ),
    Verb(
        *("data", "save", "[VALUE] [NAME]", "Save a table, array, file, folder or query as a version.", "ml.data.save"),
        only_here=dict.fromkeys(("query", "query_file", "from_"), "in Python: ml.data.save(Query(text, url), name)"),
        only_python=_DRAWN,
    ),
    Verb("data", "load", "REF", "Load a version; every byte is hashed again.", "ml.data.load"),
    Verb(
        *("data", "track", "WHERE [NAME]", "Pin a file, folder or Delta table where it is.", "ml.data.track"),
        only_python=_DRAWN,
    ),
    Verb("data", "list", "", "List the newest version of every name.", "ml.data.list"),
    Verb("data", "show", "REF", "Show what is known of a version.", "ml.data.show", detail=True),
    Verb("data", "history", "NAME", "List all versions of a name, newest first.", "ml.data.history"),
    Verb("data", "diff", "BEFORE [AFTER]", "Tell which rows, cells and columns differ.", "ml.data.diff", detail=True),
    Verb(
        *("data", "profile", "VALUE", "Tell what each column of a version, file or table holds.", "ml.data.profile"),
        only_python=_DRAWN,
    ),
    Verb(
        *("data", "concat", "REFS…", "Save the rows of tables, one below another, as a version.", "ml.data.concat"),
        only_python=_DRAWN,
    ),
    Verb("data", "blame", "REF", "Tell which version and cell last changed a column.", "ml.data.blame"),
    Verb("data", "tag", "REF KEY=VALUE…", "Set tags of a version, or take them off.", "ml.data.tag"),
    Verb("data", "alias", "REF ALIAS", "Move an alias to a version, or take it off.", "ml.data.alias"),
    Verb("data", "delete", "REF", "Hide a version, or a whole name, until restored.", "ml.data.delete"),
    Verb("data", "restore", "REF", "Bring back what was deleted.", "ml.data.restore"),
    Verb("data", "rename", "OLD NEW", "Give all versions of a name another name.", "ml.data.rename"),
    Verb(
        *("data", "push", "[REFS]…", "Send versions to a remote, what is missing there.", "ml.data.push"),
        only_python=_DRAWN,
    ),
    Verb(
        *("data", "pull", "[REFS]…", "Fetch versions from a remote, with their lineage.", "ml.data.pull"),
        only_python=_DRAWN,
    ),
    Verb(
        *("data", "erase", "[NAMES]…", "Erase rows by a condition from every version.", "ml.data.erase"),
        detail=True,
        only_python=_DRAWN,
    ),
    Verb(
        *("run", "start", "NAME", "Record the cell below as a run.", "ml.run.start"),
        body="code",
        exempt={"shell": "a run spans code, and a shell line has none: use `%%ml run`, or `with ml.run(name)`"},
        only_python={
            "kind": "pipelines set it",
            "parent_id": "the active run is the parent",
            "notebook": "the cell knows its notebook",
            "like": "pipelines set it",
        },
    ),
    Verb(
        *("run", "resume", "REF", "Go on with a run whose process was killed.", "ml.run.resume"),
        body="code",
        exempt={"shell": "a run spans code, and a shell line has none: use `%%ml run resume`"},
    ),
    Verb(
        *("run", "autolog", "", "Log what scikit-learn fits from now on.", "ml.run.autolog"),
        exempt={"shell": "nothing is fitted in a line of it: use `%ml run autolog`, or `ml.run.autolog()`"},
    ),
    Verb(
        *("run", "list", "", "List runs by a condition, in any order.", "ml.run.list"),
        only_python={"parent_id": "run show tells the parent"},
    ),
    Verb("run", "best", "EXPERIMENT", "Show the run with the best metric.", "ml.run.best", detail=True),
    Verb("run", "compare", "REFS…", "Tell what differs between runs.", "ml.run.compare", detail=True),
    Verb("run", "show", "REF", "Show what is known of a run.", "ml.run.show", detail=True),
    Verb("run", "note", "REF TEXT", "Write the note of a run, in Markdown.", "ml.run.note", detail=True),
    Verb("run", "artifact", "REF NAME", "Load what a run kept, or write it to a file.", "ml.run.load_artifact"),
    Verb(
        *("run", "export", "[REFS]…", "Write runs into a folder, or into MLflow.", "ml.run.export"),
        only_python=_DRAWN,
    ),
    Verb(
        *("run", "import", "SOURCE", "Take runs in from a folder, or from MLflow.", "ml.run.import_"),
        only_python=_DRAWN,
    ),
    Verb("check", "infer", "VALUES…", "Learn a suite from versions, test it on the last.", "ml.check.infer"),
    Verb(
        *("check", "data", "VALUE", "Judge data by a suite; a cell's body is the suite.", "ml.check.data"),
        body="suite",
        only_python={"functions": "a cell knows what its notebook defines"},
    ),
    Verb(
        *("check", "model", "MODEL TABLE", "Judge a model on rows that it has not seen.", "ml.check.model"),
        only_here=dict.fromkeys(
            "metric floor ceiling tolerance risk slices sensitive fairness calibration overfit change latency "
            "batch_latency memory size max_age lost".split(),
            "in Python: a keyword of this name, which `Asked` takes",
        ),
        only_python={"asked": "the keywords, each an option here", **_DRAWN},
    ),
    Verb(
        *("check", "feature", "[NOTEBOOK]", "Test the code that makes features.", "ml.check.feature"),
        body="code",
        only_python={"tests": "the body of the cell", "names": "the notebook's variables", **_DRAWN},
    ),
    Verb(
        *("check", "importance", "MODEL TABLE", "Tell which features add nothing, and costs.", "ml.check.importance"),
        only_python=_DRAWN,
    ),
    Verb(
        *("check", "leakage", "TABLE", "Look for what will not be known when predicting.", "ml.check.leakage"),
        only_python=_DRAWN,
    ),
    Verb(
        *("check", "drift", "CURRENT", "Tell which columns have drifted from a reference.", "ml.check.drift"),
        only_here=dict.fromkeys(
            ("joint", "profiles", "like"), "in Python: a keyword of this name, which `Manner` takes"
        ),
        only_python={"how": "the keywords, each an option here", **_DRAWN},
    ),
    Verb("check", "policy", "VALUE", "Look for personal data, and judge by the project's rules.", "ml.check.policy"),
    Verb("check", "list", "", "List reports, the newest first.", "ml.check.list"),
    Verb("check", "show", "NUMBER", "Show a report with every outcome.", "ml.check.show", detail=True),
    Verb(
        *("check", "diff", "BEFORE AFTER", "Compare two reports, or a suite with a version.", "ml.check.diff"),
        detail=True,
    ),
    Verb("model", "save", "ESTIMATOR NAME", "Save a trained model as a new version.", "ml.model.save"),
    Verb("model", "load", "REF", "Load a model that a trusted key signed.", "ml.model.load"),
    Verb("model", "list", "", "List the newest version of every model.", "ml.model.list"),
    Verb("model", "show", "REF", "Show what is known of a version.", "ml.model.show", detail=True),
    Verb("model", "history", "NAME", "List all versions of a model, newest first.", "ml.model.history"),
    Verb("model", "promote", "REF", "Move an alias to a version, if its gate passes.", "ml.model.promote"),
    Verb("model", "approve", "NAME", "Approve what another person asked to promote.", "ml.model.approve"),
    Verb("model", "reject", "NAME", "Say no to what waits for approval.", "ml.model.reject"),
    Verb("model", "rollback", "NAME [ALIAS]", "Move an alias back to where it was.", "ml.model.rollback"),
    Verb("model", "drill", "NAME [ALIAS]", "Rehearse a rollback; the alias stays.", "ml.model.drill"),
    Verb(
        *("model", "push", "[REFS]…", "Send versions to a remote, what is missing there.", "ml.model.push"),
        only_python=_DRAWN,
    ),
    Verb(
        *("model", "pull", "[REFS]…", "Fetch versions from a remote, with their lineage.", "ml.model.pull"),
        only_python=_DRAWN,
    ),
    Verb("model", "delete", "REF", "Hide a version until restored.", "ml.model.delete"),
    Verb("model", "restore", "REF", "Bring back what was deleted.", "ml.model.restore"),
    Verb("model", "rename", "OLD NEW", "Give all versions of a model another name.", "ml.model.rename"),
    Verb("model", "trust", "TYPE", "Trust a type that models may hold.", "ml.model.trust_type"),
    Verb("pipeline", "list", "", "List the pipelines and where they stand.", "ml.pipeline.list"),
    Verb(
        *("pipeline", "show", "NAME", "Draw the graph of the steps.", "ml.pipeline.show"),
        only_here={"mermaid": "in Python: ml.pipeline.show(name).mermaid()"},
    ),
    Verb(
        *("pipeline", "run", "NAME", "Run the steps; unchanged ones are skipped.", "ml.pipeline.run"),
        only_here={
            **dict.fromkeys(("start", "until", "only"), "in Python: steps=Selection(start=[name])"),
            **dict.fromkeys(("timeout", "cell_timeout", "memory"), "in Python: limits=Limits(step=60)"),
            "log_output": "in Python: the signs that progress is called with hold what is printed",
        },
        only_python={
            **_DRAWN,
            "steps": "--from, --until and --only say it",
            "limits": "--timeout, --cell-timeout and --memory say it",
            "cancellation": "a face is stopped by Ctrl-C",
        },
    ),
    Verb(
        *("pipeline", "resume", "RUN", "Go on with a run that failed.", "ml.pipeline.resume"),
        only_python=_DRAWN,
    ),
    Verb("pipeline", "stop", "RUN", "Stop a run, in whatever process it goes on.", "ml.pipeline.stop"),
    Verb("pipeline", "explain", "NAME", "Tell which steps would run, and why.", "ml.pipeline.explain"),
    Verb(
        *("pipeline", "rehearse", "NAME", "Run the steps on samples, leave only a report.", "ml.pipeline.rehearse"),
        only_python=_DRAWN,
    ),
    Verb(
        *("pipeline", "backfill", "NAME", "Run it for the times of the past that are missing.", "ml.pipeline.backfill"),
        only_here=dict.fromkeys("cron tz parallel reprocess dry_run".split(), "in Python: a keyword of this name"),
        only_python={"asked": "the keywords, each an option here", **_DRAWN},
    ),
    Verb("pipeline", "export", "NAME TARGET", "Write what Airflow, cron and others run it by.", "ml.pipeline.export"),
    Verb("pipeline", "package", "NAME [FILE]", "Write a frozen version into one file.", "ml.pipeline.package"),
    Verb(
        *("pipeline", "promote", "NAME", "Lint, prove, gate, freeze, then move an alias.", "ml.pipeline.promote"),
        only_python=_DRAWN,
    ),
    Verb("pipeline", "approve", "NAME", "Approve what another person asked to promote.", "ml.pipeline.approve"),
    Verb("pipeline", "reject", "NAME", "Say no to what waits for approval.", "ml.pipeline.reject"),
    Verb("pipeline", "rollback", "NAME [ALIAS]", "Move an alias back to where it was.", "ml.pipeline.rollback"),
    Verb("pipeline", "history", "NAME", "List all frozen versions, newest first.", "ml.pipeline.history"),
    Verb("pipeline", "delete", "REF", "Hide a frozen version until restored.", "ml.pipeline.delete"),
    Verb("pipeline", "restore", "REF", "Bring back what was deleted.", "ml.pipeline.restore"),
    Verb("pipeline", "rename", "OLD NEW", "Give all frozen versions another name.", "ml.pipeline.rename"),
    Verb(
        *("schedule", "add", "TARGET [CRON]", "Start a pipeline at times, or after events.", "ml.schedule.add"),
        only_here=dict.fromkeys("tz every on older catchup overlap late".split(), "in Python: a keyword of this name"),
        only_python={"asked": "the keywords, each an option here"},
    ),
    Verb("schedule", "list", "", "List what starts when, how it went, and what is late.", "ml.schedule.list"),
    Verb("schedule", "show", "NAME", "Show what is known of a schedule.", "ml.schedule.show", detail=True),
    Verb("schedule", "next", "NAME", "List the next times of a schedule.", "ml.schedule.next"),
    Verb("schedule", "history", "NAME", "List what has come due, newest first.", "ml.schedule.history"),
    Verb("schedule", "pause", "NAME", "Start nothing of it until it is resumed.", "ml.schedule.pause"),
    Verb("schedule", "resume", "NAME", "Let it start again from now on.", "ml.schedule.resume"),
    Verb(
        *("schedule", "run", "", "Be the daemon: start what is due, until stopped.", "ml.schedule.run"),
        only_python={"tell": "the face prints a line for each"},
    ),
    Verb("schedule", "unit", "", "Write the unit by which systemd keeps the daemon.", "ml.schedule.unit"),
    Verb("schedule", "delete", "NAME", "Start nothing of it until it is restored.", "ml.schedule.delete"),
    Verb("schedule", "restore", "NAME", "Bring back what was deleted, paused.", "ml.schedule.restore"),
    Verb("schedule", "rename", "OLD NEW", "Give a schedule another name.", "ml.schedule.rename"),
    Verb(
        *("ci", "run", "[NAMES]…", "Lint, test and run pipelines, as a push is judged.", "ml.ci.run"),
        only_python=_DRAWN,
    ),
    Verb("ci", "init", "TARGET", "Write the workflow for GitHub that does so, and promotes.", "ml.ci.init"),
    Verb("remote", "add", "NAME WHERE", "Give a folder or URL a name in pyproject.toml.", "ml.remote.add"),
    Verb("remote", "list", "", "List the remotes that the project names.", "ml.remote.list"),
    Verb("remote", "remove", "NAME", "Forget a remote; what lies there stays.", "ml.remote.remove"),
    Verb("store", "verify", "", "Look for damaged or missing bytes.", "ml.store.verify", only_python=_DRAWN),
    Verb(
        *("store", "stats", "", "Tell what each name takes, what it shares, and what gc would free.", "ml.store.stats"),
        only_python=_DRAWN,
    ),
    Verb(
        *("store", "gc", "", "Free the bytes that nothing needs, and say whose they were.", "ml.store.gc"),
        only_python=_DRAWN,
    ),
    Verb("store", "repair", "", "Fetch good copies from where they were pushed to.", "ml.store.repair"),
    Verb("store", "backup", "FILE", "Copy the catalog into a file.", "ml.store.backup", only_python=_DRAWN),
    Verb(
        *("store", "restore", "FILE", "Make the catalog what it was at a backup.", "ml.store.restore"),
        only_python=_DRAWN,
    ),
)
"""Every verb, in the order in which people meet them."""

_BY_WORDS = MappingProxyType({(verb.noun, verb.name): verb for verb in VERBS})


def of(noun: str) -> tuple[Verb, ...]:
    """The verbs of a noun; of the workspace for ``""``."""
    return tuple(verb for verb in VERBS if verb.noun == noun)


def find(noun: str, name: str) -> Verb:
    """The row of a verb.

    Raises
    ------
    NotFoundError
        When the grammar has no such verb.

    Examples
    --------
    >>> find("data", "save").usage
    'data save [VALUE] [NAME]'
    """
    try:
        return _BY_WORDS[noun, name]
    except KeyError:
        hint = nearest(name, [verb.name for verb in of(noun)])
        raise NotFoundError(f"there is no verb {name!r} of {noun or 'the workspace'}", hint=hint) from None


def overview() -> str:
    """The whole grammar as text, a line for each verb.

    Examples
    --------
    >>> print(overview().splitlines()[1])
    %ml init [PATH]                      Make a workspace in a folder.
    """
    lines = []
    for noun, about in {"": "The workspace", **NOUNS}.items():
        lines.append(f"{about}:")
        for verb in of(noun):
            lead = "%%ml" if verb.body == "code" else "%ml"
            lines.append(f"{lead} {verb.usage}".ljust(37) + verb.help)
        lines.append("")
    return "\n".join(lines)
