"""Rules of the architecture that an import checker cannot see, and proof that each check can fail."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
import tokenize
import tomllib
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest

from klingstudio.domain.job import TRANSITIONS

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "klingstudio"

OUTSIDE = {".git", ".venv", "build", "dist", "__pycache__"}
"""Folders that are no part of the project, beside those whose name ends in `_cache`."""

PROVIDERS = re.compile(r"\b(oxen|fal|segmind|pixeldojo)\b", re.IGNORECASE)
MAY_NAME_PROVIDERS = ("klingstudio/providers/", "klingstudio/sandbox/")

MAY_USE = {
    "PySide6": ("klingstudio/ui/", "klingstudio/app/"),
    "qasync": ("klingstudio/app/loop.py",),
    "httpx": ("klingstudio/net/",),
    "httpcore": ("klingstudio/net/",),
    "requests": (),
    "truststore": ("klingstudio/net/trust.py",),
    "certifi": ("klingstudio/net/trust.py",),
    # The sandbox plays the provider, which fetches what it is given; it knows nothing of our own net/. There the module is
    # asked for the system's proxies, which it alone knows on every system.
    "urllib.request": ("klingstudio/sandbox/", "klingstudio/net/client.py"),
    "http.client": ("klingstudio/sandbox/",),
    "sqlite3": ("klingstudio/store/",),
    "keyring": ("klingstudio/vault.py",),
    "secretstorage": (),
    "av": ("klingstudio/media/", "klingstudio/sandbox/effects.py"),
    "PIL": ("klingstudio/media/", "klingstudio/sandbox/"),
    "starlette": ("klingstudio/sandbox/",),
    "uvicorn": ("klingstudio/sandbox/",),
}
"""Package → the places that may import it."""

NOT_IN_DOMAIN = {
    *("asyncio", "concurrent", "threading", "multiprocessing", "subprocess", "socket", "ssl", "http", "urllib.request"),
    *("sqlite3", "os", "io", "pathlib", "shutil", "tempfile", "glob", "logging", "time", "random", "uuid", "secrets"),
}
"""Input, output, clock and chance: the domain is handed what they give."""

MAY_PRINT = ("klingstudio/cli/", "klingstudio/sandbox/")

DISTRIBUTION = {"PySide6": "pyside6-essentials", "PIL": "pillow"}
"""Where package and distribution differ in more than case and dashes."""

MAKES_CLIENTS = {"AsyncClient", "Client", "AsyncHTTPTransport", "HTTPTransport", "Proxy", "create_ssl_context"} | {
    *("get", "post", "put", "patch", "delete", "head", "options", "request", "stream")
}
"""What httpx offers for asking somebody."""
READS_ALL = {"text", "json", "content", "read", "aread"}
READS_UNPACKED = {"aiter_bytes", "aiter_text", "aiter_lines", "iter_bytes", "aread"}

COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})\b|\b(?:rgba?|hsla?|hsva?)\(")


# --- reading the project ----------------------------------------------------------------------------------------------


def project_files(root: Path) -> list[Path]:
    """Every file of the project, also where there is no git."""
    found = []
    for folder, folders, names in os.walk(root):
        folders[:] = [one for one in folders if one not in OUTSIDE and not one.endswith(("_cache", ".egg-info"))]
        folders[:] = [one for one in folders if one != ".hypothesis"]
        found += [Path(folder) / name for name in names if not name.endswith((".pyc", ".pyo"))]
    return sorted(found)


def code_files(root: Path) -> list[Path]:
    return [path for path in project_files(root / PACKAGE) if path.suffix == ".py"]


def place(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()


def imports(path: Path) -> Iterator[tuple[int, str]]:
    """Line and name of each imported module, also of those imported inside functions."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        match node:
            case ast.Import():
                yield from ((node.lineno, alias.name) for alias in node.names)
            case ast.ImportFrom(module=str(module)):
                yield node.lineno, module
                yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)
            case _:
                pass


def is_or_is_in(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def code_without_comments(path: Path) -> Iterator[tuple[int, str]]:
    """Line and text of each token except comments: names and strings, docstrings included."""
    for token in tokenize.generate_tokens(StringIO(path.read_text("utf-8")).readline):
        if token.type != tokenize.COMMENT:
            yield token.start[0], token.string


# --- the rules: each gives the places where it is broken --------------------------------------------------------------


def wrong_imports(root: Path) -> list[str]:
    return [
        f"{place(root, path)}:{line} imports {module}"
        for path in code_files(root)
        for line, module in imports(path)
        for package, places in MAY_USE.items()
        if is_or_is_in(module, package) and not place(root, path).startswith(places or ("nowhere",))
    ]


def widgets_in_models(root: Path) -> list[str]:
    return [
        f"{place(root, path)}:{line} imports {module}"
        for path in code_files(root)
        if place(root, path).startswith("klingstudio/ui/models/")
        for line, module in imports(path)
        if module.startswith("PySide6.") and not is_or_is_in(module, "PySide6.QtCore")
    ]


def impure_domain(root: Path) -> list[str]:
    return [
        f"{place(root, path)}:{line} imports {module}"
        for path in code_files(root)
        if place(root, path).startswith("klingstudio/domain/")
        for line, module in imports(path)
        if not is_or_is_in(module, "klingstudio.domain")
        and (
            module.split(".")[0] not in sys.stdlib_module_names or any(is_or_is_in(module, no) for no in NOT_IN_DOMAIN)
        )
    ]


def providers_named(root: Path) -> list[str]:
    # In code and in text; a comment may say which service made a rule necessary.
    return [
        f"{place(root, path)}:{line} names {found[0]}"
        for path in code_files(root)
        if not place(root, path).startswith(MAY_NAME_PROVIDERS)
        for line, text in code_without_comments(path)
        if (found := PROVIDERS.search(text.replace("_", " ")))
    ]


def loose_tasks(root: Path) -> list[str]:
    """Tasks without an owner: `create_task`, `ensure_future`, `@asyncSlot`."""
    found = []
    for path in code_files(root):
        where = place(root, path)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Attribute | ast.Name):
                continue
            name = node.attr if isinstance(node, ast.Attribute) else node.id
            if name in {"create_task", "ensure_future"} and where != "klingstudio/engine/tasks.py":
                # A TaskGroup owns what it starts and hands on what fails.
                if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "group":
                    continue
                found.append(f"{where}:{node.lineno} uses {name}")
            if name in {"asyncSlot", "asyncClose"}:
                found.append(f"{where}:{node.lineno} uses {name}")
    return found


def loose_clients(root: Path) -> list[str]:
    """Ways to ask the web past the rules of `net/client.py`, and ways to read an answer without an end."""
    found = []
    for path in code_files(root):
        where = place(root, path)
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Call(func=ast.Attribute(value=ast.Name(id="httpx"), attr=name)):
                    is_loose = name in MAKES_CLIENTS and where != "klingstudio/net/client.py"
                case ast.Attribute(value=ast.Name(id="response"), attr=name):
                    is_loose = name in READS_ALL and where.startswith("klingstudio/net/")
                case ast.Attribute(attr=name):
                    is_loose = name in READS_UNPACKED and where.startswith("klingstudio/net/")
                case ast.ImportFrom(module="httpx"):
                    is_loose, name = True, "names of httpx without it"
                case _:
                    continue
            if is_loose:
                found.append(f"{where}:{node.lineno} uses {name}")
    return found


def colours(root: Path) -> list[str]:
    found = []
    for path in code_files(root):
        if not place(root, path).startswith("klingstudio/ui/") or path.name == "theme.py":
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Constant(value=str(text)) if COLOUR.search(text):
                    found.append(f"{place(root, path)}:{node.lineno} has the colour {text[:30]!r}")
                case ast.Call(func=ast.Name(id="QColor"), args=[ast.Constant(), *_]):
                    found.append(f"{place(root, path)}:{node.lineno} makes a colour from literals")
                case _:
                    pass
    return found


def prints(root: Path) -> list[str]:
    return [
        f"{place(root, path)}:{node.lineno} prints"
        for path in code_files(root)
        if not place(root, path).startswith(MAY_PRINT)
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]


def _bits(*parts: str) -> str:
    # Put together here, so that this file does not contain what it forbids.
    return "".join(parts)


PRIVATE_PLACES = re.compile(
    "|".join(
        [
            _bits("/", "root", "/"),
            _bits("/work", "/(?:main|shared|\\.library)"),
            _bits("\\.\\./", "shared"),
            _bits("/opt/", "(?:wheels|pypi)"),
            _bits("\\.py", "env/"),
        ]
    )
)
HOMES = re.compile("|".join([_bits("/home/", "[a-z]"), _bits("/Users/", "[A-Za-z]")]))
"""Of somebody. Tests may make a person up."""
REGISTRIES = re.compile(
    "|".join(
        [
            _bits("py", "pi\\.org"),
            _bits("python", "hosted"),
            _bits("index", "-url\\s*=?\\s*\\S*http"),
            _bits("deb", "\\.debian\\.org"),
            _bits("registry", "\\.npmjs"),
            _bits("http\\S*/", "simple/"),
        ]
    ),
    re.IGNORECASE,
)


def traces_of_a_machine(root: Path) -> list[str]:
    """Paths of somebody's computer and addresses of package registries, in any file."""
    found = []
    for path in project_files(root):
        try:
            lines = path.read_text("utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        is_test = place(root, path).startswith("tests/")
        found += [
            f"{place(root, path)}:{number} has {hit[0]}"
            for number, line in enumerate(lines, 1)
            for pattern in (PRIVATE_PLACES, REGISTRIES, *(() if is_test else (HOMES,)))
            if (hit := pattern.search(line))
        ]
    return found


def folders_without_init(root: Path) -> list[str]:
    """The import checker and the wheel see a folder as a package only with its `__init__.py`."""
    return sorted({place(root, path.parent) for path in code_files(root) if not (path.parent / "__init__.py").exists()})


def undeclared_packages(root: Path) -> list[str]:
    """Packages that the code imports and pyproject.toml does not name: they are there by chance."""
    declared = set()
    if (root / "pyproject.toml").exists():
        project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]
        declared = {re.split(r"[^\w-]", text)[0].lower().replace("_", "-") for text in project["dependencies"]}
    return [
        f"{place(root, path)}:{line} imports {module}"
        for path in code_files(root)
        for line, module in imports(path)
        if (top := module.split(".")[0]) not in sys.stdlib_module_names
        and top != PACKAGE
        and DISTRIBUTION.get(top, top.lower().replace("_", "-")) not in declared
    ]


Rule = Callable[[Path], list[str]]
"""Gives the places where it is broken."""

RULES: list[Rule] = [
    wrong_imports,
    widgets_in_models,
    impure_domain,
    providers_named,
    loose_tasks,
    loose_clients,
    colours,
    prints,
    traces_of_a_machine,
    folders_without_init,
    undeclared_packages,
]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_project_keeps_the_rule(rule: Rule) -> None:
    assert rule(ROOT) == []


def test_the_drawn_states_are_the_real_ones() -> None:
    page = (ROOT / "CONTRIBUTING.md").read_text("utf-8")

    drawn = {
        (start, event.strip(), end)
        for start, end, events in re.findall(r"^    (\w+) --> (\w+): (.+)$", page, re.MULTILINE)
        for event in events.split(",")
    }

    assert drawn == {(str(start), str(event), str(end)) for (start, event), end in TRANSITIONS.items()}


# --- a check that cannot fail is worthless ----------------------------------------------------------------------------


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for folder in ("domain", "engine", "ui", "ui/models", "media", "net", "store", "providers", "sandbox", "cli"):
        (tmp_path / PACKAGE / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / PACKAGE / folder / "__init__.py").write_text("")
    (tmp_path / PACKAGE / "__init__.py").write_text("")
    return tmp_path


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_an_empty_tree_breaks_no_rule(rule: Rule, tree: Path) -> None:
    assert rule(tree) == []


@pytest.mark.parametrize(
    ("rule", "where", "code"),
    [
        (wrong_imports, "engine/x.py", "import httpx"),
        (wrong_imports, "engine/x.py", "def f():\n    from httpx import Client"),
        (wrong_imports, "engine/x.py", "import sqlite3 as s"),
        (wrong_imports, "providers/x.py", "import urllib.request"),
        (wrong_imports, "studio.py", "from PySide6.QtCore import QObject"),
        (wrong_imports, "ui/x.py", "import qasync"),
        (wrong_imports, "ui/x.py", "import keyring.errors"),
        (wrong_imports, "sandbox/jobs.py", "import av"),
        (widgets_in_models, "ui/models/x.py", "from PySide6.QtWidgets import QLabel"),
        (widgets_in_models, "ui/models/x.py", "from PySide6 import QtGui"),
        (impure_domain, "domain/x.py", "import asyncio"),
        (impure_domain, "domain/x.py", "from pathlib import Path"),
        (impure_domain, "domain/x.py", "import msgspec"),
        (impure_domain, "domain/x.py", "from klingstudio.paths import paths"),
        (providers_named, "engine/x.py", "NAME = 'oxen'"),
        (providers_named, "engine/x.py", "if provider == 'Fal':\n    pass"),
        (providers_named, "ui/x.py", "FAL_KEY = 1"),
        (providers_named, "ui/x.py", "def ask_oxen(): ..."),
        (providers_named, "cli/x.py", "f'see {1} at segmind'"),
        (loose_tasks, "ui/x.py", "import asyncio\nasyncio.create_task(f())"),
        (loose_tasks, "ui/x.py", "from asyncio import create_task\ncreate_task(f())"),
        (loose_tasks, "engine/x.py", "asyncio.ensure_future(f())"),
        (loose_tasks, "engine/x.py", "loop.create_task(f())"),
        (loose_tasks, "ui/x.py", "@asyncSlot()\nasync def f(): ..."),
        (loose_tasks, "ui/x.py", "@qasync.asyncSlot()\nasync def f(): ..."),
        (wrong_imports, "net/api.py", "import urllib.request"),
        (wrong_imports, "net/api.py", "import truststore"),
        (loose_clients, "net/api.py", "import httpx\nclient = httpx.AsyncClient()"),
        (loose_clients, "net/api.py", "import httpx\nhttpx.get('https://a.example')"),
        (loose_clients, "net/api.py", "from httpx import AsyncClient"),
        (loose_clients, "net/api.py", "words = response.text"),
        (loose_clients, "net/api.py", "async def f(): await response.aread()"),
        (loose_clients, "net/api.py", "async def f(answer):\n    async for piece in answer.aiter_bytes(): ..."),
        (colours, "ui/x.py", "STYLE = 'color: #ff0033'"),
        (colours, "ui/x.py", "STYLE = 'color: rgba(1, 2, 3, 4)'"),
        (colours, "ui/x.py", "c = QColor(12, 13, 14)"),
        (colours, "ui/x.py", "c = QColor('red')"),
        (prints, "engine/x.py", "print('hello')"),
        (traces_of_a_machine, "engine/x.py", "# see " + _bits("/ho", "me/anna/clip.mp4")),
        (traces_of_a_machine, "engine/x.py", "# see " + _bits("../", "shared/facts.md")),
        (traces_of_a_machine, "README.md", "pip install --" + _bits("index", "-url https://mirror.example/")),
        (traces_of_a_machine, "uv.lock", 'url = "https://files.' + _bits("python", 'hosted.org/a.whl"')),
        (folders_without_init, "media/codecs/x.py", ""),
        (undeclared_packages, "media/x.py", "import numpy"),
    ],
)
def test_the_check_finds_what_it_forbids(rule: Rule, where: str, code: str, tree: Path) -> None:
    file = tree / PACKAGE / where
    file.parent.mkdir(exist_ok=True)
    file.write_text(code + "\n")

    assert len(rule(tree)) >= 1


@pytest.mark.parametrize(
    ("rule", "where", "code"),
    [
        (wrong_imports, "net/x.py", "import httpx"),
        (loose_clients, "net/client.py", "import httpx\nclient = httpx.AsyncClient()"),
        (loose_clients, "net/x.py", "import httpx\nasync def f(response: httpx.Response): return response.aiter_raw()"),
        (wrong_imports, "engine/x.py", "import average"),
        (impure_domain, "domain/x.py", "import re\nfrom klingstudio.domain.errors import Kind"),
        (providers_named, "engine/x.py", "default = False  # as fal does it"),
        (providers_named, "providers/x.py", "NAME = 'oxen'"),
        (loose_tasks, "engine/tasks.py", "asyncio.create_task(f())"),
        (colours, "ui/theme.py", "RED = '#ff0033'"),
        (colours, "ui/x.py", "text = 'Take #3'"),
        (prints, "cli/x.py", "print('hello')"),
    ],
)
def test_the_check_leaves_alone_what_is_allowed(rule: Rule, where: str, code: str, tree: Path) -> None:
    (tree / PACKAGE / where).write_text(code + "\n")

    assert rule(tree) == []


@pytest.mark.parametrize(
    ("where", "code", "contract"),
    [
        ("domain/errors.py", "import klingstudio.engine", "Imports point downwards only"),
        ("media/probe.py", "import klingstudio.net", None),
        ("media/probe.py", "import klingstudio.store", "Imports point downwards only"),
        ("store/database.py", "def f():\n    import klingstudio.providers", "Imports point downwards only"),
        ("engine/tasks.py", "import klingstudio.ui.text", "Nothing below ui knows ui"),
        ("sandbox/effects.py", "import klingstudio.net", "The sandbox knows"),
        ("engine/tasks.py", "import klingstudio.sandbox", "Only the command line imports the sandbox"),
        ("ui/theme.py", "import klingstudio.ui.window", "Inside ui"),
        ("engine/tasks.py", "import httpx", "httpx in net only"),
        ("engine/tasks.py", "import sqlite3", "sqlite3 in store only"),
        ("engine/tasks.py", "from PySide6 import QtCore", "Qt in ui and app only"),
    ],
)
def test_the_import_checker_finds_what_it_forbids(where: str, code: str, contract: str | None, tmp_path: Path) -> None:
    shutil.copytree(ROOT / PACKAGE, tmp_path / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / PACKAGE / where).open("a", encoding="utf-8") as file:
        file.write(f"\n{code}\n")

    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1", "LANG": "C.UTF-8"},
        capture_output=True,
        text=True,
        check=False,
    )

    if contract is None:
        assert checked.returncode == 0, checked.stdout + checked.stderr
    else:
        assert checked.returncode == 1, checked.stdout + checked.stderr
        broken = [line for line in checked.stdout.splitlines() if "BROKEN" in line]
        assert any(line.startswith(contract) for line in broken), checked.stdout
