"""What a class is given: the same notebooks without solutions, notes and outputs."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

from .cells import NOT_FOR_STUDENTS, dress, tags_of


def student(nb: Any) -> Any:
    """The same notebook for a class: no solutions, no instructor's notes, nothing run yet; answers stay folded."""
    copy = deepcopy(nb)
    copy.cells = [cell for cell in copy.cells if not NOT_FOR_STUDENTS & set(tags_of(cell))]
    for cell in copy.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    dress(copy)
    return copy
