"""A treatment that whole litters get: birth weights of rat pups, from the CSV to a table, a figure and a paragraph.

Data: Pinheiro & Bates (2000); 322 pups in 27 litters, whose mothers got one of three doses.
"""

import sys
from pathlib import Path

import pandas as pd

import mlmkit as mk

DATA = Path(__file__).parents[2] / "tests/reference/own/ratpup.csv"


def study(into: Path) -> None:
    pups = pd.read_csv(DATA)
    pups["treatment"] = pd.Categorical(
        pups["treatment"], ["Control", "Low", "High"]
    )  # the first is the reference

    # What is there? The dose is given to litters, sex varies within them.
    before = mk.overview(pups, "weight", groups="litter")
    print(before)

    # The model, and what may be left out of it.
    fit = mk.lmer("weight ~ treatment*sex + lsize + (1|litter)", pups)
    print(mk.anova(fit, type=3, ddf="kenward-roger"))
    print(fit.drop1())
    simpler = fit.update("~ . - treatment:sex")

    # Does it fit? Which pups stand out?
    checked = simpler.check(n=200, seed=1)
    print(checked)
    checked.plot().savefig(into / "checks.png")

    # Doses compared, at the average litter size, sexes counting alike.
    means = simpler.means("treatment", ddf="kenward-roger")
    contrasts = means.contrasts("pairwise", adjust="holm")
    print(means, contrasts, sep="\n\n")
    means.plot().figure.savefig(into / "figure.png")

    mk.table(simpler, fit, names=["additive", "interaction"], ddf="kenward-roger").save(into / "table.docx")
    contrasts.table.to_csv(into / "contrasts.csv", index=False)
    words = [mk.describe(simpler, style=style, ddf="kenward-roger") for style in ("methods", "results")]
    (into / "paragraph.txt").write_text("\n\n".join(words), encoding="utf-8")


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/studies/ratpup")
    folder.mkdir(parents=True, exist_ok=True)
    study(folder)
