"""The README as a package index shows it: a link to a file of the repository becomes an address, which works anywhere.

The build of a wheel or sdist calls this (pyproject.toml, `tool.hatch.metadata.hooks.custom`). The address is the one that
`[project.urls]` names, so `make owner` is enough to change it.
"""

from __future__ import annotations

import re
from pathlib import Path

from hatchling.metadata.plugin.interface import MetadataHookInterface

#: A Markdown link or picture to a place within the repository: neither an address nor a heading of the same page.
WITHIN = re.compile(r"(!?)(\[[^\]]*\])\((?![a-z]+:|#)([^)\s]+)\)")


def with_addresses(text: str, repository: str) -> str:
    """The text with the repository's address before each link within it; pictures are asked for as files."""
    return WITHIN.sub(
        lambda it: f"{it[1]}{it[2]}({repository}/{'raw' if it[1] else 'blob'}/main/{it[3]})", text
    )


class ReadmeHook(MetadataHookInterface):
    """Gives the package its long description."""

    def update(self, metadata: dict) -> None:
        text = (Path(self.root) / "README.md").read_text(encoding="utf-8")
        text = with_addresses(text, metadata["urls"]["Repository"])
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
