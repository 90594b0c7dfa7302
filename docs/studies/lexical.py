"""People by items in an unbalanced factorial: naming and lexical decision, from the CSV to table, figure and paragraph.

Data: a part of the R package afex's `fhch2010` (Freeman, Heathcote, Chalmers & Hockley 2010); 757 responses.
"""

import sys
from pathlib import Path

import pandas as pd

import mlmkit as mk

DATA = Path(__file__).parents[2] / "tests/reference/own/lexnaming.csv"


def study(into: Path) -> None:
    words = pd.read_csv(DATA)

    # People and items cross; the task was given to people and is a treatment, not a grouping.
    found = mk.structure(words, ["id", "item", "task"], outcome="rt")
    print(found)

    fit = mk.lmer("log(rt) ~ task*stimulus*frequency + (1|id) + (1|item)", words)
    print(mk.anova(fit, type=3, ddf="satterthwaite"))
    print(fit.check(n=150, seed=3))

    # Means back in seconds, and how much longer a nonword takes in each task.
    means = fit.means("stimulus", by="task", scale="original")
    ratios = fit.means("stimulus", by="task").contrasts("pairwise", adjust="none")
    print(means, ratios, sep="\n\n")
    means.plot().figure.savefig(into / "figure.png")

    additive = fit.update("~ . - task:stimulus:frequency")
    print(mk.anova(additive, fit))
    mk.table(additive, fit, names=["without", "with the threefold interaction"]).save(into / "table.tex")
    ratios.table.to_csv(into / "contrasts.csv", index=False)
    sentences = [mk.describe(fit, style=style) for style in ("methods", "results")]
    (into / "paragraph.txt").write_text("\n\n".join(sentences), encoding="utf-8")


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/studies/lexical")
    folder.mkdir(parents=True, exist_ok=True)
    study(folder)
