"""From which versions a name comes that a cell saves, read off the cells that were executed before."""

from __future__ import annotations

from nbmlops.store.touched import Touch
from nbmlops.tracking.capture import CellLog
from nbmlops.tracking.flow import into

READ = "import pandas as pd\nraw = pd.read_csv('flights.csv')"


class Notebook:
    """Cells that are executed, and what each has touched."""

    def __init__(self) -> None:
        self.log = CellLog()
        self.touches: dict[int, list[Touch]] = {}

    def run(self, source: str, *touched: str, ok: bool = True) -> None:
        """Execute a cell that touched, say, ``reads flights``."""
        self.log.begin(None, source, None)
        for each in touched:
            relation, name = each.split()
            self.touches.setdefault(self.log.position, []).append(Touch(relation, name, name))
        self.log.end(ok)

    def saving(self, name: str, source: str, *touched: str) -> set[str]:
        """What flows into the name that a cell saves."""
        self.log.begin(None, source, None)
        for each in touched:
            relation, thing = each.split()
            self.touches.setdefault(self.log.position, []).append(Touch(relation, thing, thing))
        return set(into(name, self.log, self.touches))


def test_what_was_loaded_two_cells_before_flows_in() -> None:
    notebook = Notebook()
    notebook.run("%ml data load flights -o df", "reads flights")
    notebook.run("late = df[df.delay > 15]")
    assert notebook.saving("late", "%ml data save late") == {"flights"}


def test_what_was_loaded_for_another_name_does_not() -> None:
    notebook = Notebook()
    notebook.run('a = ml.data.load("A")\nb = ml.data.load("B")', "reads A", "reads B")
    assert notebook.saving("a2", 'ml.data.save(a, "a2")') == {"A"}


def test_a_saved_version_stands_for_its_variable() -> None:
    notebook = Notebook()
    notebook.run(READ)
    notebook.run("%ml data save raw", "writes raw")
    notebook.run("raw = raw.dropna()")
    assert notebook.saving("raw", "%ml data save raw -m clean") == {"raw"}


def test_a_name_that_was_replaced_no_longer_holds_what_it_held() -> None:
    notebook = Notebook()
    notebook.run("%ml data load january -o df", "reads january")
    notebook.run("%ml data load february -o df", "reads february")
    assert notebook.saving("df", "%ml data save df") == {"february"}


def test_a_cell_that_failed_may_not_have_replaced_it() -> None:
    notebook = Notebook()
    notebook.run("%ml data load january -o df", "reads january")
    notebook.run("df = broken()", ok=False)
    assert notebook.saving("df", "%ml data save df") == {"january"}


def test_what_may_replace_it_or_not_counts_with_what_was_before() -> None:
    notebook = Notebook()
    notebook.run('df = ml.data.load("A")', "reads A")
    notebook.run('if wide:\n    df = ml.data.load("B")', "reads B")
    assert notebook.saving("c", 'ml.data.save(df, "c")') == {"A", "B"}


def test_a_change_in_place_flows_in() -> None:
    for change in (
        'df["rain"] = weather["rain"]',
        "df.update(weather)",
        "enrich(df, weather)",
        "df.rain = weather.rain",
    ):
        notebook = Notebook()
        notebook.run('df = ml.data.load("flights")', "reads flights")
        notebook.run('weather = ml.data.load("weather")', "reads weather")
        notebook.run(change)
        assert notebook.saving("out", 'ml.data.save(df, "out")') == {"flights", "weather"}, change


def test_looking_at_two_tables_mixes_nothing() -> None:
    notebook = Notebook()
    notebook.run("import matplotlib.pyplot as plt")
    notebook.run('a = ml.data.load("A")', "reads A")
    notebook.run('b = ml.data.load("B")', "reads B")
    notebook.run("print(len(a), len(b))\nplt.scatter(a.x, b.x)\nplt.show()")
    assert notebook.saving("a2", 'plt.plot(a.x)\nml.data.save(a, "a2")') == {"A"}


def test_imports_carry_nothing() -> None:
    notebook = Notebook()
    notebook.run('import pandas as pd\nflights = ml.data.load("flights")', "reads flights")
    notebook.run("other = pd.DataFrame({'a': [1]})")
    assert notebook.saving("other", "%ml data save other") == set()


def test_a_name_that_only_the_run_knows_counts_for_the_whole_cell() -> None:
    notebook = Notebook()
    notebook.run('parts = [ml.data.load(f"flights_{m}") for m in (1, 2)]', "reads flights_1", "reads flights_2")
    notebook.run("both = pd.concat(parts)")
    assert notebook.saving("both", "%ml data save both") == {"flights_1", "flights_2"}


def test_two_tables_that_one_cell_saves_are_not_made_from_each_other() -> None:
    notebook = Notebook()
    notebook.run("train, holdout = split(df)")
    source = "%ml data save train\n%ml data save holdout"
    assert notebook.saving("holdout", source, "writes train") == set()


def test_one_that_is_made_from_what_its_cell_saved_before_is() -> None:
    notebook = Notebook()
    source = "%ml data save raw\nclean = raw.dropna()\n%ml data save clean"
    assert notebook.saving("clean", source, "writes raw") == {"raw"}


def test_a_run_takes_what_its_cell_trains_on() -> None:
    notebook = Notebook()
    notebook.run('train = ml.data.load("train")', "reads train")
    source = "%%ml run fit\nmodel = Forest()\nmodel.fit(train, train.late)\n%ml model save model delay"
    assert notebook.saving("delay", source) == {"train"}


def test_a_function_that_was_defined_with_data_carries_it() -> None:
    notebook = Notebook()
    notebook.run('lookup = ml.data.load("airlines")', "reads airlines")
    notebook.run("def named(df):\n    return df.merge(lookup)")
    assert notebook.saving("out", 'ml.data.save(named(raw), "out")') == {"airlines"}


def test_what_cannot_be_read_breaks_nothing() -> None:
    notebook = Notebook()
    notebook.run("%%bash\necho hello")
    notebook.run("this is no Python", ok=False)
    notebook.run("(" * 5_000 + ")" * 5_000, ok=False)
    assert notebook.saving("x", "%ml data save x") == set()
