"""Features in a cell: its body defines the function, in the notebook and in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nbmlops import ml
from tests.features.conftest import flights

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

CELL = """%%ml feature carrier_delay --entity carrier --from flights --time dep_time --ttl 7d -o view
import pandas as pd

SHORT = "7D"


def carrier_delay(flights):
    \"\"\"Mean delay of the carrier in the last seven days.\"\"\"
    by = flights.sort_values("dep_time").set_index("dep_time").groupby("carrier").dep_delay
    return by.rolling(SHORT, closed="left").mean().rename("mean_delay_7d").reset_index()
"""


def ran(shell: InteractiveShell, cell: str) -> None:
    shell.run_cell(cell).raise_error()


def test_a_cell_defines_a_view_and_the_function_in_the_notebook(shell: InteractiveShell) -> None:
    ml.data.save(flights(), "flights")
    ran(shell, CELL)
    assert shell.user_ns["view"].ref == "carrier_delay@v1"
    said = shell.user_ns["view"].view
    assert "SHORT = '7D'" in said.source
    assert "%%ml" not in said.source
    assert len(shell.user_ns["carrier_delay"](flights())) == len(flights())
    ran(shell, CELL.replace('"7D"', '"8D"'))
    assert shell.user_ns["view"].ref == "carrier_delay@v2"
    ran(shell, "%ml data load flights -o spine\n%ml feature training spine carrier_delay --label dep_delay -o made")
    assert shell.user_ns["made"].ref == "training.carrier_delay@v1"
    ran(shell, "used = %ml feature usage")
    assert shell.user_ns["used"][0].training == ("training.carrier_delay@v1",)


def test_a_cell_that_defines_another_name_says_so(shell: InteractiveShell) -> None:
    ml.data.save(flights(), "flights")
    result = shell.run_cell(CELL.replace("def carrier_delay", "def carier_delay"))
    assert "did you mean carier_delay?" in str(result.error_in_exec)
