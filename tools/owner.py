"""Say where the project lives: `python tools/owner.py NAME` writes the owner's name into every address of the repository.

pyproject.toml's `[project.urls]` is the one place that says it; README.md, CITATION.cff, docs/ and deploy/ follow.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: The addresses that name the owner.
ADDRESS = re.compile(r"(github\.com/|gh/|//)([A-Za-z0-9-]+)(?=/mlmkit\b|\.github\.io/mlmkit\b)")


def owners(text: str) -> set[str]:
    """Who a text says the project belongs to."""
    return {found[2] for found in ADDRESS.finditer(text)}


def files() -> list[Path]:
    """The tracked files that may hold an address."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    texts = {".md", ".toml", ".cff", ".yml", ".yaml", ".sh", ".py", ".json"}
    return [
        ROOT / line
        for line in listed.stdout.splitlines()
        if Path(line).suffix in texts and (ROOT / line).exists()
    ]


def rename(text: str, owner: str) -> str:
    """The text with another owner in each address."""
    return ADDRESS.sub(lambda found: found[1] + owner, text)


def main(owner: str) -> None:
    for path in files():
        text = path.read_text(encoding="utf-8")
        if (changed := rename(text, owner)) != text:
            path.write_text(changed, encoding="utf-8")
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main(sys.argv[1])
