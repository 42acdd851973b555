"""The wheel is complete, the lock file fits the project, and the set-up needs nothing but Python."""

from __future__ import annotations

import ast
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]
LOCK = ROOT / "packaging" / "requirements.lock"
CLIENTS_LOCK = ROOT / "packaging" / "clients.lock"
SCRIPTS = sorted((ROOT / "packaging").glob("*.py"))


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy of the project and unpacked as pip does it."""
    source = tmp_path_factory.mktemp("source")
    for name in ("klingstudio", "resources"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE", ".gitignore"):
        shutil.copy(ROOT / name, source)
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]

    built = subprocess.run(build, cwd=source, capture_output=True, text=True, check=False)

    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as file:
        file.extractall(folder / "site")
    return folder / "site"


def test_the_wheel_has_every_file_of_the_program(installed: Path) -> None:
    def files(root: Path) -> set[str]:
        return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}

    expected = {name for name in files(ROOT / "klingstudio") if "__pycache__" not in name}
    expected |= {f"resources/{name}" for name in files(ROOT / "resources") if "__pycache__" not in name}

    assert files(installed / "klingstudio") == expected
    assert {path.name for path in installed.iterdir() if path.suffix != ".dist-info"} == {"klingstudio"}


def test_the_installed_program_finds_its_resources(installed: Path) -> None:
    script = "from klingstudio.paths import resource; print(resource('icons'))"

    asked = subprocess.run(
        [sys.executable, "-P", "-c", script],
        env={"PYTHONPATH": str(installed), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=installed,
        capture_output=True,
        text=True,
        check=False,
    )

    assert asked.stdout.strip() == str(installed / "klingstudio" / "resources" / "icons"), asked.stderr


def test_the_wheel_says_who_may_use_it_and_how_it_is_started(installed: Path) -> None:
    (info,) = installed.glob("*.dist-info")
    metadata = (info / "METADATA").read_text("utf-8")

    assert "License-Expression: GPL-3.0-or-later" in metadata
    assert "Requires-Python: <3.14,>=3.11" in metadata
    assert "klingstudio = klingstudio.cli:main" in (info / "entry_points.txt").read_text("utf-8")
    assert (info / "licenses" / "LICENSE").read_text("utf-8").lstrip().startswith("GNU GENERAL PUBLIC LICENSE")


# --- the lock files ---------------------------------------------------------------------------------------------------


def locked(lock: Path) -> list[Requirement]:
    lines = lock.read_text("utf-8").replace("\\\n", " ").splitlines()
    return [
        Requirement(line.split(" --hash")[0].strip()) for line in lines if line and not line.lstrip().startswith("#")
    ]


def versions_for(lock: Path, environment: dict[str, str]) -> dict[str, str]:
    versions: dict[str, str] = {}
    for one in locked(lock):
        if one.marker is None or one.marker.evaluate(environment):
            name = one.name.lower().replace("_", "-")
            assert name not in versions, f"{name} is locked twice"
            versions[name] = str(one.specifier).removeprefix("==")
    return versions


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13"])
@pytest.mark.parametrize("system", ["linux x86_64", "linux aarch64", "darwin arm64", "darwin x86_64", "win32 AMD64"])
def test_each_dependency_is_locked_to_a_version_that_fits(version: str, system: str) -> None:
    platform, machine = system.split()
    environment = {
        "python_version": version,
        "python_full_version": f"{version}.9",
        "sys_platform": platform,
        "platform_machine": machine,
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    file = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    project = file["project"]
    ours, clients = versions_for(LOCK, environment), versions_for(CLIENTS_LOCK, environment)

    for versions, texts in (
        (ours, project["dependencies"] + project["optional-dependencies"]["dev"]),
        (clients, file["dependency-groups"]["clients"]),
    ):
        for one in map(Requirement, texts):
            if one.marker is None or one.marker.evaluate(environment):
                version_locked = versions.get(one.name.lower().replace("_", "-"))
                assert version_locked is not None, f"{one.name} is not locked"
                assert one.specifier.contains(version_locked), f"{one.name} is locked to {version_locked}"
    # They are installed one over the other.
    assert {name: clients[name] for name in clients if name in ours and clients[name] != ours[name]} == {}


@pytest.mark.parametrize("lock", [LOCK, CLIENTS_LOCK], ids=lambda lock: lock.stem)
def test_everything_locked_has_a_hash_and_no_address(lock: Path) -> None:
    text = lock.read_text("utf-8").replace("\\\n", " ")
    entries = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]

    assert len(entries) > 30
    assert [line for line in entries if "--hash=sha256:" not in line] == []
    assert "://" not in text


def test_who_only_wants_the_demo_does_not_get_the_clients() -> None:
    names = {one.name for one in locked(LOCK)}

    assert not names & {"fal-client", "segmind", "oxenai", "pandas", "polars", "pyarrow", "numpy"}


# --- the set-up script ------------------------------------------------------------------------------------------------


def test_the_set_up_needs_nothing_but_python() -> None:
    siblings = {script.stem for script in SCRIPTS}
    for script in SCRIPTS:
        for node in ast.walk(ast.parse(script.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            strangers = [name for name in names if name.split(".")[0] not in siblings | sys.stdlib_module_names]
            assert strangers == [], script.name


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 6, 15), (3, 10, 13), (3, 14, 0)])
def test_another_python_is_told_in_one_line(version: tuple[int, int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", version)

    with pytest.raises(SystemExit) as caught:
        runpy.run_path(str(ROOT / "packaging" / "dev.py"), run_name="__main__")

    message = str(caught.value)
    assert message.startswith(f"Kling Studio needs Python 3.11, 3.12 or 3.13 and this is {version[0]}.{version[1]}.")
    assert "\n" not in message


def test_the_first_script_can_be_read_by_any_python() -> None:
    source = (ROOT / "packaging" / "dev.py").read_text("ascii")

    # No annotation, no f-string, no future import: an old Python would stop at them before it reads the message.
    tree = ast.parse(source)
    assert not any(
        isinstance(node, ast.JoinedStr | ast.AnnAssign | ast.NamedExpr | ast.FunctionDef) for node in ast.walk(tree)
    )
    assert "__future__" not in source


@pytest.mark.skipif(sys.platform != "linux", reason="asks Debian's package list")
@pytest.mark.parametrize(("installed", "missing"), [("xvfb", ["pulseaudio"]), ("pipewire-pulse", ["xvfb"])])
def test_a_desktop_that_has_its_own_sound_server_gets_no_other(
    installed: str, missing: list[str], tmp_path: Path
) -> None:
    listing = tmp_path / "dpkg-query"
    listing.write_text(f"#!/bin/sh\necho {installed} installed\n")
    listing.chmod(0o755)

    asked = subprocess.run(
        [sys.executable, "-c", "import dev_system; print(dev_system._missing(['xvfb', 'pulseaudio']))"],
        cwd=ROOT / "packaging",
        env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert asked.stdout.strip() == str(missing)


def test_a_wrong_command_is_refused_and_all_are_listed() -> None:
    asked = subprocess.run(
        [sys.executable, str(ROOT / "packaging" / "dev.py"), "tset"], capture_output=True, text=True, check=False
    )

    assert asked.returncode == 2
    for name in ("setup", "demo", "check", "test", "coverage", "bench", "torture"):
        assert name in asked.stderr


def test_the_first_screen_of_the_readme_has_the_two_commands_and_ci_runs_the_second() -> None:
    first_screen = "\n".join((ROOT / "README.md").read_text("utf-8").splitlines()[:30])

    assert "python3 packaging/dev.py demo" in first_screen
    assert "python3 packaging/dev.py test" in first_screen
    assert "python3 packaging/dev.py test" in (ROOT / ".ci" / "run").read_text("utf-8")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_the_keychain_of_the_tests_gives_back_the_exit_code_and_leaves_nothing(tmp_path: Path) -> None:
    for program in ("dbus-run-session", "dbus-send", "gnome-keyring-daemon"):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    script = ROOT / "packaging" / "with_keyring.py"
    show = "import os; print(os.environ['HOME'], os.environ['DBUS_SESSION_BUS_ADDRESS'] != '', flush=True); os._exit(7)"

    done = subprocess.run(
        [sys.executable, str(script), sys.executable, "-c", show], capture_output=True, text=True, check=False
    )

    home, has_bus = done.stdout.split()
    assert (done.returncode, has_bus, done.stderr) == (7, "True", "")
    assert re.search("klingstudio-keyring-", home)
    assert not Path(home).exists()
