"""Counts that scatter more than a Poisson's: seizures in four fortnights, from the CSV to table, figure and paragraph.

Data: Thall & Vail (1990); 59 patients on progabide or placebo.
"""

import sys
from pathlib import Path

import pandas as pd

import mlmkit as mk

DATA = Path(__file__).parents[2] / "tests/reference/own/epilepsy.csv"
FORMULA = "seizures ~ treatment + log(base) + log(age) + period + (1|subject)"


def study(into: Path) -> None:
    fortnights = pd.read_csv(DATA)
    fortnights["treatment"] = pd.Categorical(fortnights["treatment"], ["placebo", "Progabide"])
    print(mk.overview(fortnights, "seizures", groups="subject", x="period"))

    # A Poisson model does not make the spread that was seen; a negative binomial one does.
    poisson = mk.glmer(FORMULA, fortnights, family="poisson")
    counts = mk.glmer(FORMULA, fortnights, family="nbinom")
    for fit in (poisson, counts):
        print(fit.check(n=200, seed=4, refits=20))
    mk.plots.rootogram(counts, seed=4).figure.savefig(into / "checks.png")

    # Seizures with each drug, over patients, and their ratio.
    means = counts.means("treatment", groups="average")
    ratio = counts.means("treatment").contrasts("reference", adjust="none")
    print(means, ratio, sep="\n\n")
    means.plot().figure.savefig(into / "figure.png")

    mk.table(poisson, counts, names=["Poisson", "negative binomial"]).save(into / "table.docx")
    ratio.table.to_csv(into / "contrasts.csv", index=False)
    words = [mk.describe(counts, style=style) for style in ("methods", "results")]
    (into / "paragraph.txt").write_text("\n\n".join(words), encoding="utf-8")


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/studies/epilepsy")
    folder.mkdir(parents=True, exist_ok=True)
    study(folder)
