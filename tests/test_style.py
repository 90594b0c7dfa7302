"""The house style: roles stay apart for every kind of colour vision, and drawing in it leaves no trace."""

from __future__ import annotations

from itertools import combinations

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from mlmkit import style

# Machado, Oliveira & Fernandes (2009), severity 1: linear RGB as a dichromat sees it.
VISION = {
    "normal": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
ROLES = ["population", "group", "group2", "group3", "data", "flat"]


def linear(colour: str) -> np.ndarray:
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = to_xyz @ np.clip(rgb, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("vision", VISION)
def test_roles_stay_apart(vision):
    seen = {role: lab(np.array(VISION[vision]) @ linear(style.COLOURS[role])) for role in ROLES}
    for one, other in combinations(ROLES, 2):
        assert np.linalg.norm(seen[one] - seen[other]) > 13, f"{one} and {other} look alike with {vision}"


@pytest.mark.parametrize("role", ROLES)
def test_roles_stand_out_from_paper(role):
    luminance = linear(style.COLOURS[role]) @ [0.2126, 0.7152, 0.0722]
    assert 1.05 / (luminance + 0.05) >= 3.0


def test_colour_is_never_alone():
    pairs = [
        ("group", "group2"),
        ("group", "group3"),
        ("group2", "group3"),
        ("flat", "multilevel"),
        ("multilevel", "pooled"),
    ]
    for one, other in pairs:
        assert style.LINES[one] != style.LINES[other] and style.MARKERS[one] != style.MARKERS[other]


def test_house_leaves_no_trace():
    before = plt.rcParams.copy()
    with style.house("slide", projector=True):
        assert plt.rcParams["font.size"] == 1.5 * style.RC["font.size"]
        assert tuple(plt.rcParams["figure.figsize"]) == style.SIZES["slide"]
    assert plt.rcParams == before


def test_a_session_keeps_the_style_it_uses_with_letters_half_as_large_again_for_a_room():
    with mpl.rc_context():
        style.use()
        sizes = {name: mpl.rcParams[name] for name in ("font.size", "axes.titlesize", "xtick.labelsize")}
        assert sizes == {name: style.RC[name] for name in sizes}
        style.use(projector=True)
        assert {name: mpl.rcParams[name] / size for name, size in sizes.items()} == dict.fromkeys(sizes, 1.5)


def test_tints_and_roles():
    assert style.tint("#000000", 1.0) == "#ffffff" and style.tint("#A83A1E", 0.0) == "#a83a1e"
    assert [style.group_role(k) for k in range(4)] == ["group", "group2", "group3", "group"]
    assert style.colour("population") == style.COLOURS["population"]
