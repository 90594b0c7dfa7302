"""An exploration as readers have it: live, and saved as a page to hand out."""

from __future__ import annotations

from pathlib import Path

from ..errors import DataError
from . import frame


class Explorer(frame.Explorer):
    """One exploration, live in a notebook; `save` writes it as a web page."""

    def save(self, path: str | Path) -> Path:
        """Write the exploration as one web page to hand out; it needs no Python, no server and no network.

        The page is a film: it begins as the exploration stands, and plays what was drawn for a grid of the
        controls and for the presets. Filming takes some seconds to half a minute.

        Parameters
        ----------
        path
            Of the page, ending in `.html`.

        Raises
        ------
        DataError
            If the path ends otherwise, or the exploration has no film.
        """
        # Imported here, since `films` knows all explorations, and each of them this class.
        from .films.film import shoot
        from .films.store import page

        path = Path(path)
        if path.suffix.lower() not in (".html", ".htm"):
            raise DataError(f"An exploration is saved as a web page: {path.stem}.html, not {path.name}.")
        path.write_text(page("film", shoot(self)), encoding="utf-8")
        return path
