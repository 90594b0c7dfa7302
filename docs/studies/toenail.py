"""Yes or no over time: nail infections under two drugs, from the CSV to table, figure and paragraph.

Data: De Backer et al. (1998), as in the R package HSAUR3; 294 patients with up to seven visits.
"""

import sys
from pathlib import Path

import pandas as pd

import mlmkit as mk

DATA = Path(__file__).parents[2] / "tests/reference/own/toenail.csv"


def relapses(severe: pd.Series, rows: pd.DataFrame) -> float:
    """How often a nail was well at one visit and ill at the next."""
    before = severe.groupby(rows["patient"]).shift()
    return float(((before == 0) & (severe == 1)).sum())


def study(into: Path) -> None:
    visits = pd.read_csv(DATA)
    print(mk.overview(visits, "outcome", groups="patient", x="visit"))

    # Few visits each and patients who differ a great deal: Laplace's approximation will not do.
    fit = mk.glmer("outcome ~ treatment*month + (1|patient)", visits, n_agq=25)
    print(fit.summary())
    print(fit.check(n=200, seed=5, refits=0, statistics={"relapses": relapses}))

    # After a year: a patient's chance on either drug, and that of the patients.
    ofone = fit.means("treatment", at={"month": [12]})
    ofall = fit.means("treatment", at={"month": [12]}, groups="average")
    odds = fit.means("treatment", at={"month": [12]}).contrasts("pairwise", adjust="none")
    print(ofone, ofall, odds, sep="\n\n")
    mk.plots.fitted_lines(fit, "month").figure.savefig(into / "figure.png")

    mk.table(fit, names=["severe infection"]).save(into / "table.html")
    odds.table.to_csv(into / "contrasts.csv", index=False)
    words = [mk.describe(fit, style=style) for style in ("methods", "results")]
    (into / "paragraph.txt").write_text("\n\n".join(words), encoding="utf-8")


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/studies/toenail")
    folder.mkdir(parents=True, exist_ok=True)
    study(folder)
