"""Growth with people who leave: depression scores after computer therapy, from the CSV to table, figure and paragraph.

Data: Beat the Blues (Proudfoot et al. 2003, a subset); 100 patients, four visits after the treatment began, 30% of
the scores missing.
"""

import sys
from pathlib import Path

import pandas as pd

import mlmkit as mk

DATA = Path(__file__).parents[2] / "tests/reference/own/btheb.csv"


def study(into: Path) -> None:
    visits = pd.read_csv(DATA)
    visits["treatment"] = pd.Categorical(visits["treatment"], ["TAU", "BtheB"])
    visits["length"] = pd.Categorical(visits["length"], ["long", "short"])

    # Who is missing, when, in which arm? Which slopes may vary?
    before = mk.overview(visits, "bdi", groups="subject", x="month", arm="treatment")
    print(before)
    before.plot().figure.savefig(into / "trajectories.png")

    fit = mk.lmer("bdi ~ bdi_pre + treatment*month + drug + length + (month|subject)", visits)
    print(mk.anova(fit, type=3, ddf="kenward-roger"))

    checked = fit.check(n=150, seed=2)
    print(checked)
    mk.plots.check(fit, x="month", n=150, seed=2).savefig(into / "checks.png")

    # The difference between the arms at the end of the treatment and six months later.
    means = fit.means("treatment", by="month", at={"month": [2, 8]}, ddf="kenward-roger")
    differences = means.contrasts("pairwise", adjust="none")
    slopes = fit.slopes("month", by="treatment", ddf="kenward-roger")
    print(means, differences, slopes, slopes.contrasts(), sep="\n\n")
    means.plot().figure.savefig(into / "figure.png")

    mk.table(fit, ddf="kenward-roger", names=["BDI-II"]).save(into / "table.html")
    differences.table.to_csv(into / "contrasts.csv", index=False)
    words = [mk.describe(fit, style=style, ddf="kenward-roger") for style in ("methods", "results")]
    (into / "paragraph.txt").write_text("\n\n".join(words), encoding="utf-8")


if __name__ == "__main__":
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/studies/growth")
    folder.mkdir(parents=True, exist_ok=True)
    study(folder)
