"""The `mlmkit` command: it copies the course, never over a file, and opens JupyterLab from any installation."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import sysconfig
import tarfile
import time
import venv
import zipfile
from pathlib import Path
from types import SimpleNamespace
from urllib.error import URLError
from urllib.parse import urlparse
from urllib.request import Request, urlopen

import pytest

from mlmkit.course import command, lab
from mlmkit.course.book import SHARED
from mlmkit.course.folder import MARK, CourseError, chapters, copy_course

ROOT = Path(__file__).resolve().parents[1]
CHAPTERS = sorted(path.name for path in (ROOT / "chapters").glob("[0-9]*.ipynb"))
COURSE = {*CHAPTERS, "LICENSE", "rise.css", "templates/report.ipynb"}


# ---- the folder ------------------------------------------------------------------------------------


def test_a_copy_holds_the_chapters_and_their_licence(tmp_path):
    copied = copy_course(tmp_path / "my course")
    copy = tmp_path / "my course" / "chapters"
    there = {path.relative_to(copy).as_posix() for path in copy.rglob("*") if path.is_file()}
    assert there == COURSE | {MARK} and set(copied.new) == COURSE and copied.kept == ()
    assert f"{len(CHAPTERS)} chapters" in str(copied) and "my course" in str(copied)


def test_a_file_that_is_there_is_never_written_over(tmp_path):
    copy_course(tmp_path)
    mine, lost = tmp_path / "chapters" / CHAPTERS[1], tmp_path / "chapters" / CHAPTERS[2]
    mine.write_text("my answers")
    lost.unlink()
    copied = copy_course(tmp_path)
    assert mine.read_text() == "my answers" and lost.exists()
    assert copied.new == (lost.name,) and mine.name in copied.kept
    assert "stay as they are, 1 new ones were added" in str(copied)


def test_a_copy_from_an_older_version_is_told(tmp_path):
    copy_course(tmp_path)
    assert "mlmkit lab NEW-FOLDER" not in str(copy_course(tmp_path))
    (tmp_path / "chapters" / MARK).write_text("0.0.1")
    assert "copied from mlmkit 0.0.1" in str(copy_course(tmp_path))
    assert "mlmkit lab NEW-FOLDER" in str(copy_course(tmp_path))


def test_a_clone_is_opened_in_place():
    before = subprocess.run(["git", "status", "--short"], cwd=ROOT, capture_output=True, check=True).stdout
    assert copy_course(ROOT).new == ()
    assert (
        subprocess.run(["git", "status", "--short"], cwd=ROOT, capture_output=True, check=True).stdout
        == before
    )


def test_a_folder_that_cannot_be_is_named(tmp_path, capsys):
    file = tmp_path / "notes.txt"
    file.write_text("")
    with pytest.raises(CourseError, match=r"notes\.txt.*Name another folder: mlmkit lab FOLDER"):
        copy_course(file)
    assert command.main(["lab", str(file)]) == 1
    assert "cannot be put into" in capsys.readouterr().err


# ---- the command -----------------------------------------------------------------------------------


@pytest.fixture
def opened(monkeypatch):
    """What would be run, instead of running it."""
    runs = []
    monkeypatch.setattr(lab, "_run", lambda arguments, variables: runs.append((arguments, variables)) or 0)
    return runs


def test_lab_hands_its_options_on(tmp_path, opened, capsys):
    assert command.main(["lab", str(tmp_path / "my course"), "--port", "8890", "--no-browser"]) == 0
    (arguments, variables), printed = opened[0], capsys.readouterr().out
    assert arguments[:3] == [sys.executable, "-m", "jupyterlab"]
    assert f"--ServerApp.root_dir={tmp_path / 'my course'}" in arguments
    assert arguments[-3:] == ["--port", "8890", "--no-browser"]
    assert variables["JUPYTER_CONFIG_PATH"].split(os.pathsep)[0] == str(lab.CONFIGURATION)
    assert "my course" in printed


def test_without_a_word_the_course_opens_in_the_home_folder(tmp_path, opened, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert command.main([]) == 0
    assert (tmp_path / "mlmkit-course" / "chapters" / CHAPTERS[0]).is_file()


def test_root_is_served_on_this_machine_only_and_told_so(tmp_path, opened, monkeypatch, capsys):
    monkeypatch.setattr(lab, "is_root", lambda: True)
    command.main(["lab", str(tmp_path)])
    assert {"--ServerApp.allow_root=True", "--ServerApp.ip=127.0.0.1"} <= set(opened[0][0])
    assert "ssh -L 8888:127.0.0.1:8888" in capsys.readouterr().out
    command.main(["lab", str(tmp_path), "--port", "8890"])
    assert "ssh -L 8890:127.0.0.1:8890" in capsys.readouterr().out
    monkeypatch.setattr(lab, "is_root", lambda: False)
    command.main(["lab", str(tmp_path)])
    assert not any("allow_root" in argument for argument in opened[-1][0])


@pytest.mark.parametrize("option", [["--ServerApp.ip=0.0.0.0"], ["--ip", "0.0.0.0"], ["--ip=0.0.0.0"]])
def test_what_root_chose_is_chosen_once_and_told(tmp_path, opened, monkeypatch, capsys, option):
    monkeypatch.setattr(lab, "is_root", lambda: True)
    command.main(["lab", str(tmp_path), *option])
    said = capsys.readouterr().out
    assert "127.0.0.1" not in " ".join(opened[0][0]) + said
    assert "0.0.0.0" in said and "token" in said


def test_a_readers_own_settings_take_the_place_of_the_courses(monkeypatch):
    """JupyterLab takes each setting once and stops at the second."""
    monkeypatch.setattr(lab, "is_root", lambda: True)
    given = ["--notebook-dir=/mine", "--LabApp.default_url=/lab", "--allow-root", "--ip", "localhost"]
    assert lab.command(Path("/ours"), given)[3:] == given
    assert len(lab.command(Path("/ours"), ["--no-browser"])[3:]) == 5


def test_what_a_reader_set_stays_set(monkeypatch):
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "4")
    monkeypatch.setenv("JUPYTER_CONFIG_PATH", "/mine")
    variables = lab.environment()
    assert variables["OPENBLAS_NUM_THREADS"] == "4" and variables["OMP_NUM_THREADS"]
    assert variables["JUPYTER_CONFIG_PATH"] == f"{lab.CONFIGURATION}{os.pathsep}/mine"


def test_without_jupyterlab_it_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(lab, "find_spec", lambda name: None)
    assert command.main(["lab", str(tmp_path)]) == 1
    assert 'pip install "mlmkit[course]"' in capsys.readouterr().err


def test_the_lecture_gets_its_options(monkeypatch):
    from mlmkit.widgets import __main__ as page

    given = []
    monkeypatch.setattr(page, "main", lambda options: given.append(options) or 0)
    assert command.main(["lecture", "--port", "8001"]) == 0 and given == [["--port", "8001"]]


def test_the_shells_own_words_are_read_where_none_are_given(tmp_path, opened, monkeypatch):
    monkeypatch.setattr(sys, "argv", ["mlmkit", "lab", str(tmp_path / "mine"), "--no-browser"])
    assert command.main() == 0
    assert opened[0][0][-1] == "--no-browser" and (tmp_path / "mine" / "chapters").is_dir()


@pytest.mark.parametrize(
    ("system", "root"), [({"geteuid": lambda: 0}, True), ({"geteuid": lambda: 1}, False), ({}, False)]
)
def test_root_is_user_0_where_a_system_counts_its_users(monkeypatch, system, root):
    monkeypatch.setattr(lab, "os", SimpleNamespace(**system))
    assert lab.is_root() is root


def test_where_no_process_can_become_another_it_is_waited_for(monkeypatch):
    """On Windows; there, Ctrl-C ends JupyterLab and is no fault."""
    runs = []

    def run(arguments, env, check):
        runs.append((arguments, env, check))
        return SimpleNamespace(returncode=len(runs) + 2)

    def stopped(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(lab, "os", SimpleNamespace(name="nt"))
    monkeypatch.setattr(lab, "subprocess", SimpleNamespace(run=run))
    assert lab._run(["jupyter"], {"A": "1"}) == 3 and runs == [(["jupyter"], {"A": "1"}, False)]
    monkeypatch.setattr(lab, "subprocess", SimpleNamespace(run=stopped))
    assert lab._run(["jupyter"], {}) == 0


def test_where_a_process_can_become_another_it_does(monkeypatch):
    became = []
    monkeypatch.setattr(lab, "os", SimpleNamespace(name="posix", execve=lambda *given: became.append(given)))
    monkeypatch.setattr(
        lab, "subprocess", SimpleNamespace(run=lambda *_, **__: SimpleNamespace(returncode=0))
    )
    lab._run(["jupyter", "lab"], {"A": "1"})
    assert became == [("jupyter", ["jupyter", "lab"], {"A": "1"})]


def test_an_unknown_command_is_refused_with_the_list(capsys):
    with pytest.raises(SystemExit):
        command.main(["labb"])
    assert "lab" in capsys.readouterr().err


def test_help_lists_every_command(capsys):
    with pytest.raises(SystemExit):
        command.main(["--help"])
    help = capsys.readouterr().out
    assert all(word in help for word in ("lab", "lecture", "site"))


# ---- what is built and installed ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The wheel and the sdist, built from this folder."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,), (sdist,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    return wheel, sdist


def sources(*parts: str) -> set[str]:
    listed = subprocess.run(["git", "ls-files", *parts], cwd=ROOT, capture_output=True, text=True, check=True)
    return {line for line in listed.stdout.splitlines() if (ROOT / line).exists()}


def test_the_wheel_carries_the_package_the_data_and_the_course(built):
    names = set(zipfile.ZipFile(built[0]).namelist())
    inside = {name for name in names if name.startswith("mlmkit/")}
    package = {
        name for name in inside if not name.startswith(("mlmkit/data/", "mlmkit/chapters/", "mlmkit/docs/"))
    }
    assert sources("mlmkit") <= package
    beside = {f"mlmkit/{name}" for name in sources("data", "docs")} | {
        f"mlmkit/chapters/{name}" for name in COURSE
    }
    assert inside - package == beside | {f"mlmkit/docs/{place}" for place in SHARED}
    (info,) = {name.partition("/")[0] for name in names if ".dist-info/" in name}
    assert {f"{info}/licenses/LICENSE", f"{info}/licenses/chapters/LICENSE"} <= names
    assert built[0].stat().st_size < 12e6


def test_the_sdist_carries_what_the_wheel_needs_and_nothing_else(built):
    with tarfile.open(built[1]) as archive:
        names = {member.name.partition("/")[2] for member in archive if member.isfile()}
    tops = {name.partition("/")[0] for name in names}
    assert tops == {
        "mlmkit", "data", "docs", "chapters", "tools", "README.md", "CHANGELOG.md", "CITATION.cff", "LICENSE",
        "pyproject.toml", "PKG-INFO", ".gitignore",
    }  # fmt: skip
    assert {name for name in names if name.startswith("chapters/")} == {f"chapters/{name}" for name in COURSE}
    assert {name for name in names if name.startswith("tools/")} == sources(
        "tools/labextension", "tools/nbconvert", "tools/readme.py"
    )


def test_every_link_of_the_description_is_an_address_of_a_file_that_is_there(built):
    """On a package index there is no repository that a relative link could start from."""
    wheel = zipfile.ZipFile(built[0])
    (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    text = wheel.read(name).decode()
    repository = re.search(r"Project-URL: Repository, (\S+)", text)[1]
    links = re.findall(r"\]\(([^)]*)\)", text.partition("\n\n")[2])
    ours = [re.fullmatch(rf"{repository}/(blob|raw)/main/(.*)", link) for link in links]
    there = {found[2] for found in ours if found}
    assert "figures/moving-plane.webp" in there and there >= {f"chapters/{name}" for name in CHAPTERS}
    assert all((ROOT / place).is_file() for place in there)
    assert all(urlparse(link).scheme == "https" for link in links), links


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory):
    """An environment of its own, its path with a space, the wheel in it; the other packages are ours."""
    folder = tmp_path_factory.mktemp("somebody") / "my environment"
    venv.create(folder, with_pip=False, symlinks=os.name == "posix")
    scripts = folder / ("Scripts" if os.name == "nt" else "bin")
    site = Path(sysconfig.get_path("purelib", vars={"base": str(folder), "platbase": str(folder)}))
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(folder),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
    ]
    subprocess.run([*install, str(built[0])], check=True)
    (site / "ours.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return scripts


def elsewhere(scripts: Path) -> dict[str, str]:
    """The variables of somebody who has only that environment; Jupyter's own files are ours."""
    shares = os.pathsep.join(
        str(prefix / "share" / "jupyter") for prefix in (scripts.parent, Path(sys.prefix))
    )
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {
        "JUPYTER_PATH": shares
    }


def test_from_an_installed_wheel_the_course_answers(installed, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    folder = tmp_path / "Kurs 2026 (Übung)"
    start = [
        installed / "mlmkit",
        "lab",
        folder,
        "--no-browser",
        f"--port={port}",
        "--IdentityProvider.token=",
    ]
    server = subprocess.Popen(
        start, cwd=tmp_path, env=elsewhere(installed), stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    address = f"http://127.0.0.1:{port}"
    try:
        listed = json.loads(_answer(f"{address}/api/contents/chapters", server))
        page = _answer(f"{address}/lab", server)
        exported = _answer(f"{address}/nbconvert/html/chapters/{CHAPTERS[3]}", server)
    finally:
        server.terminate()
        server.wait(20)
    assert {it["name"] for it in listed["content"]} >= set(CHAPTERS)
    assert '"news": {"disabled": true}' in page
    assert "No description has been provided" not in exported and exported.count('alt="') > 5
    assert not re.search(r'(?:src|href)="https?://(?!creativecommons|www\.mathjax)', exported), (
        "a page that needs nothing"
    )


def _answer(url: str, server: subprocess.Popen) -> str:
    end = time.monotonic() + 90
    while time.monotonic() < end and server.poll() is None:
        try:
            return urlopen(Request(url, headers={"Referer": url}), timeout=60).read().decode()
        except (URLError, OSError):
            time.sleep(0.2)
    server.kill()
    raise AssertionError(server.communicate()[0].decode()[-2000:])


def test_the_installed_package_finds_its_own_files(installed, tmp_path):
    say = (
        "import mlmkit; from mlmkit.course.folder import chapters; print(mlmkit.__file__); print(chapters())"
    )
    python = installed / "python"
    run = subprocess.run(
        [python, "-c", say],
        cwd=tmp_path,
        env=elsewhere(installed),
        capture_output=True,
        text=True,
        check=True,
    )
    assert all("my environment" in line for line in run.stdout.splitlines())


def test_in_a_clone_the_chapters_are_the_clones():
    assert chapters() == ROOT / "chapters"
