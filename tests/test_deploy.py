"""What servers need and what the workflows run: files that parse, commands and paths that are there, log-ins that find the course."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from traitlets.config import Config

import mlmkit
from mlmkit.course.lab import CONFIGURATION

ROOT = Path(__file__).resolve().parents[1]
DEPLOY = ROOT / "deploy"
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
IN_SH = pytest.mark.skipif(os.name != "posix", reason="these files are for Linux")


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def file_of(address: str) -> str:
    """The file in a student's home that an address of JupyterLab opens."""
    return address.removeprefix("/lab/tree/")


def commands() -> dict[str, str]:
    """All that workflows, containers and scripts run, by file."""
    steps = {
        path.name: "\n".join(
            step.get("run", "")
            for job in yaml.safe_load(read(path))["jobs"].values()
            for step in job["steps"]
        )
        for path in WORKFLOWS
    }
    others = [*sorted(DEPLOY.glob("*")), ROOT / "environment.yml", ROOT / ".devcontainer/devcontainer.json"]
    return steps | {path.name: read(path) for path in others if path.is_file()}


@pytest.mark.parametrize("name", commands())
def test_every_command_path_and_extra_is_there(name):
    text = commands()[name]
    targets = set(re.findall(r"^([a-z]+):", read(ROOT / "Makefile"), re.MULTILINE))
    assert set(re.findall(r"^make ([a-z]+)$", text, re.MULTILINE)) <= targets
    for listed in re.findall(r"(?:mlmkit|here|\.)\[([a-z,]+)\]", text):
        assert set(listed.split(",")) <= set(PROJECT["optional-dependencies"]), listed
    for path in re.findall(r"(?:tests|chapters|deploy|tools)/[\w./-]+\.\w+", text):
        assert (ROOT / path).exists(), path


@IN_SH
@pytest.mark.parametrize("path", sorted(DEPLOY.glob("*.sh")), ids=lambda path: path.name)
def test_a_script_is_written_for_plain_sh(path):
    subprocess.run(["sh", "-n", str(path)], check=True)


def fake_hub(tmp_path: Path) -> str:
    """tljh.sh on a machine that is all in one folder, where pip and tljh-config do nothing."""
    python = tmp_path / "opt/tljh/user/bin/python"
    for folder in (python.parent, tmp_path / "opt/tljh/config/jupyterhub_config.d", tmp_path / "etc/skel"):
        folder.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\n[ "$2" = pip ] || exec "{sys.executable}" "$@"\n')
    (tmp_path / "tljh-config").write_text("#!/bin/sh\n")
    for program in (python, tmp_path / "tljh-config"):
        program.chmod(0o755)
    text = read(DEPLOY / "tljh.sh").replace('"$0"', f'"{DEPLOY / "tljh.sh"}"')
    return re.sub(r"(?<![\w.])(/opt|/etc)/", rf"{tmp_path}\1/", text)


@IN_SH
def test_who_logs_in_to_the_littlest_hub_finds_the_course(tmp_path):
    variables = {
        **os.environ,
        "PATH": f"{tmp_path}:{os.environ['PATH']}",
        "PYTHONPATH": str(Path(mlmkit.__file__).parents[1]),
    }
    subprocess.run(["sh", "-c", fake_hub(tmp_path)], env=variables, check=True, capture_output=True)
    settings = Config()
    exec(read(tmp_path / "opt/tljh/config/jupyterhub_config.d/mlmkit.py"), {"get_config": lambda: settings})  # noqa: S102
    assert (tmp_path / "etc/skel" / file_of(settings.Spawner.default_url)).is_file()
    linked = Path(f"{tmp_path}{settings.Spawner.environment['JUPYTER_CONFIG_PATH']}")
    assert linked.resolve() == CONFIGURATION.resolve()


def test_who_logs_in_to_a_hub_on_kubernetes_finds_the_course(tmp_path):
    single = yaml.safe_load(read(DEPLOY / "values.yaml"))["singleuser"]
    program, *arguments = single["lifecycleHooks"]["postStart"]["exec"]["command"]
    assert program == "python"
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path)}
    variables = {**os.environ, **home, "PYTHONPATH": str(Path(mlmkit.__file__).parents[1])}
    subprocess.run([sys.executable, *arguments], env=variables, check=True)
    assert (tmp_path / file_of(single["defaultUrl"])).is_file()
    ours = re.search(r"ENV (.*)", read(DEPLOY / "Dockerfile"))[1]
    assert f"JUPYTER_CONFIG_PATH={single['extraEnv']['JUPYTER_CONFIG_PATH']}" in ours


def test_a_container_and_a_codespace_start_the_course():
    start = json.loads(re.search(r"^CMD (.*)$", read(DEPLOY / "Dockerfile"), re.MULTILINE)[1])
    assert start[:2] == ["mlmkit", "lab"]
    codespace = json.loads(read(ROOT / ".devcontainer/devcontainer.json"))
    assert "mlmkit lab ." in codespace["postAttachCommand"]
    assert f"make {codespace['postCreateCommand'].split()[1]}".endswith("/.ready")


def test_the_link_for_a_class_pulls_into_a_folder_of_its_own():
    text = read(ROOT / "docs/servers.md")
    link = re.search(r"https://HUB/\S+", text)[0]
    folder = re.search(r"targetPath=(\w+)", link)[1]
    assert f"urlpath=lab/tree/{folder}/chapters/00-start-here.ipynb" in link
    assert not file_of(yaml.safe_load(read(DEPLOY / "values.yaml"))["singleuser"]["defaultUrl"]).startswith(
        f"{folder}/"
    )
