"""A posterior in a file: read again if it is of the same thing, refused if not."""

import json
import os
import warnings

import numpy as np
import pytest
from numpy.testing import assert_array_equal

import mlmkit as mk
from mlmkit.bayes import model
from mlmkit.errors import FitWarning, MlmkitError
from tests.bayes.toy import toy

SETTINGS = {"chains": 2, "draws": 30, "tune": 30, "seed": 3, "cores": 1, "progress": False}


def brm(file, formula="y ~ x + (x|class) + (1|item)", data=None, **changes):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FitWarning)  # so few draws are not to be read
        return mk.brm(formula, toy() if data is None else data, file=file, **(SETTINGS | changes))


@pytest.fixture
def stored(tmp_path):
    return brm(tmp_path / "toy"), tmp_path / "toy.npz"


def test_it_is_read_and_not_sampled_again(stored, monkeypatch):
    first, path = stored

    def sample(*_, **__):
        raise AssertionError("sampled again")

    monkeypatch.setattr(model, "sample", sample)
    for file in (path, str(path), path.with_suffix("")):
        again = brm(file)
        assert_array_equal(again.draws, first.draws)
        for one, other in zip(again.effects, first.effects, strict=True):
            assert_array_equal(one, other)
        assert again.table.equals(first.table) and again.tune == first.tune
    assert brm(path, seed=None).draws.equals(first.draws)  # any draws will do


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"formula": "y ~ x + (1|class) + (1|item)"}, "formula .*there"),
        ({"priors": {"b": "normal(0, 1)"}}, r"priors \(b \(flat\) there, normal\(0, 1\) here; b x "),
        ({"priors": {"cor": "lkj(2)"}}, r"priors \(cor lkj\(1\) there, lkj\(2\) here"),
        ({"draws": 40}, r"draws \(30 there, 40 here\)"),
        ({"chains": 1}, r"chains \(2 there, 1 here\)"),
        ({"seed": 4}, r"seed \(3 there, 4 here\)"),
        ({"data": toy().assign(y=lambda d: d["y"] + (d.index == 7) * 1e-9)}, "data"),
        ({"data": toy().assign(item=lambda d: d["item"] + 1)}, "data"),
        ({"weights": "w"}, "data"),
        ({"family": "student"}, r"family \(gaussian \(identity\) there, student \(identity\) here\)"),
        ({"sample_prior": "only", "priors": {"b": "normal(0, 1)"}}, "sample_prior"),
    ],
)
def test_what_is_of_something_else_is_refused(stored, changes, said):
    before = stored[1].read_bytes()
    with pytest.raises(MlmkitError, match=f"draws of something else, with other .*{said}.*delete it"):
        brm(stored[1], **changes)
    assert stored[1].read_bytes() == before


def test_it_holds_plain_numbers_and_says_what_they_are(stored):
    with np.load(stored[1], allow_pickle=False) as archive:
        about = json.loads(str(archive["about"]))
        assert about["formula"] == "y ~ x + (x|class) + (1|item)" and about["seed"] == 3
        assert archive["beta"].shape == (2, 30, 2)


@pytest.mark.parametrize("content", [b"", b"not a posterior", b"PK\x03\x04 broken"])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "other.npz"
    path.write_bytes(content)
    with pytest.raises(MlmkitError, match="is no posterior that brm stored"):
        brm(path)
    np.savez(path, x=np.arange(3))
    with pytest.raises(MlmkitError, match="is no posterior that brm stored"):
        brm(path)


def test_a_damaged_file_is_named_and_never_read_as_something_else(stored):
    first, path = stored
    whole, rng = path.read_bytes(), np.random.default_rng(1)
    for stop in rng.integers(1, len(whole), 20):
        path.write_bytes(whole[:stop])
        with pytest.raises(MlmkitError, match=r"toy\.npz is no posterior that brm stored, or a damaged one"):
            brm(path)
    for place in rng.integers(len(whole), size=60):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        try:
            assert brm(path).draws.equals(first.draws)  # what was changed is not read
        except MlmkitError as error:
            assert "damaged" in str(error) or "something else" in str(error)


def test_places_that_cannot_be_written_are_named_before_sampling(tmp_path, monkeypatch):
    (tmp_path / "taken").write_text("a file")
    monkeypatch.setattr(model, "sample", None)  # would fail
    with pytest.raises(MlmkitError, match="taken.*cannot be written"):
        brm(tmp_path / "taken" / "toy")
    with pytest.raises(MlmkitError, match="file is 3: give a path"):
        brm(3)
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(MlmkitError, match="is no posterior"):
        brm(tmp_path / "folder")


@pytest.mark.skipif(os.name == "nt", reason="permissions are POSIX's")
def test_others_may_read_what_one_has_sampled(stored):
    umask = os.umask(0)
    os.umask(umask)
    assert stored[1].stat().st_mode & 0o777 == 0o666 & ~umask


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "savez_compressed", interrupted)
    with pytest.raises(KeyboardInterrupt):
        brm(tmp_path / "folder" / "toy")
    assert list((tmp_path / "folder").iterdir()) == []


def test_draws_from_the_priors_are_kept_too(tmp_path):
    settings = {"priors": {"b": "normal(0, 1)"}, "sample_prior": "only"}
    one, other = (brm(tmp_path / "priors", **settings) for _ in range(2))
    assert one.draws.equals(other.draws) and other.prior_only
