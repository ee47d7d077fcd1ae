"""The repository keeps its own rules: layers, docstrings, documentation that lists everything, locks without hosts."""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

import handlers
from bot.cli import parser
from bot.config import Settings, variable
from bot.web.callbacks import WECOM_PATH

ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "handlers", "lessons", "storage")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
README = ROOT / "README.md"


def _ignored() -> set[str]:
    """The folder names of .gitignore."""
    lines = (ROOT / ".gitignore").read_text(encoding="utf-8").split()
    return {line.rstrip("/") for line in lines} | {".git"}


def tracked() -> Iterator[Path]:
    """Every file that belongs to the repository."""
    ignored = _ignored()
    folders = [ROOT]
    while folders:
        for path in sorted(folders.pop().iterdir()):
            if path.name in ignored or any(path.match(pattern) for pattern in ignored if "*" in pattern):
                continue
            if path.is_dir():
                folders.append(path)
            else:
                yield path


def texts() -> Iterator[tuple[str, str]]:
    """(name, content) of every text file of the repository."""
    for path in tracked():
        raw = path.read_bytes()
        if b"\x00" not in raw[:8192]:
            yield str(path.relative_to(ROOT)), raw.decode("utf-8")


def sources() -> list[Path]:
    return [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    """The modules a file imports, wherever in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


# --- code


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_says_what_lives_in_it(path: Path) -> None:
    assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), "a module docstring is missing"


def test_the_layers_hold() -> None:
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


def test_every_part_of_the_bot_has_its_layer() -> None:
    contracts = PROJECT["tool"]["importlinter"]["contracts"]
    layers = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    named = {part.strip() for layer in layers for part in re.split(r"[|:]", layer)}
    parts = {f"bot.{path.stem}" for path in (ROOT / "bot").iterdir() if path.suffix == ".py" or _is_package(path)}
    assert parts - {"bot.__init__"} <= named
    assert set(PACKAGES) - {"bot"} <= named


def _is_package(path: Path) -> bool:
    return (path / "__init__.py").exists()


@pytest.mark.parametrize("library", ["wechatpy", "apscheduler", "openpyxl"])
def test_a_vendor_library_lives_in_one_file(library: str) -> None:
    users = [
        str(path.relative_to(ROOT))
        for path in sources()
        if any(name == library or name.startswith(f"{library}.") for name in imported(path))
    ]
    users = [path for path in users if path != "bot/bench/echo.py"]  # the baseline without a bot
    assert len(users) == 1, users


def test_only_storage_speaks_sql() -> None:
    """Elsewhere only the names of its errors may be known."""
    for path in sources():
        if path.is_relative_to(ROOT / "storage"):
            continue
        spoken = {name for name in imported(path) if name.split(".")[0] in {"sqlalchemy", "sqlmodel", "alembic"}}
        assert spoken <= {"sqlalchemy.exc"}, f"{path.relative_to(ROOT)} imports {spoken}"


def test_core_imports_nothing_of_ours() -> None:
    for path in (ROOT / "bot" / "core").glob("*.py"):
        ours = {name for name in imported(path) if name.split(".")[0] in PACKAGES}
        assert all(name.startswith("bot.core") for name in ours), path.name


# --- documentation


@pytest.fixture(scope="module")
def readme() -> str:
    return README.read_text(encoding="utf-8")


def _mentions(text: str, pattern: str) -> bool:
    """A function of its own, so that a failing test does not print the whole document."""
    return re.search(pattern, text) is not None


@pytest.mark.parametrize("command", handlers.COMMANDS, ids=lambda command: command.name)
def test_the_readme_lists_every_chat_command(readme: str, command: handlers.Command) -> None:
    assert _mentions(readme, rf"[`“「|]\s*{re.escape(command.name)}\b"), f"{command.name} is missing in README.md"


@pytest.mark.parametrize("name", [variable(field.name) for field in fields(Settings)])
def test_the_readme_lists_every_setting(readme: str, name: str) -> None:
    assert _mentions(readme, rf"\b{name}\b"), f"{name} is missing in README.md"


def test_the_readme_names_no_setting_that_does_not_exist(readme: str) -> None:
    compose = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    known = {variable(field.name) for field in fields(Settings)} | {"JIEHUA_CONFIG"}
    known |= set(re.findall(r"\$\{(JIEHUA_\w+)", compose))
    named = set(re.findall(r"\bJIEHUA_[A-Z_]*[A-Z]\b", readme))
    assert {name for name in named if name not in known and name.removesuffix("_FILE") not in known} == set()


def _commands(top: argparse.ArgumentParser, before: tuple[str, ...] = ()) -> Iterator[str]:
    """`lessons check`, … of every command that can be run."""
    groups = [action for action in top._actions if isinstance(action, argparse._SubParsersAction)]
    if not groups:
        yield " ".join(before)
    for group in groups:
        for name, child in group.choices.items():
            yield from _commands(child, (*before, name))


COMMANDS = list(_commands(parser()))


@pytest.mark.parametrize("command", COMMANDS)
def test_the_readme_lists_every_command_of_the_command_line(readme: str, command: str) -> None:
    group, _, verb = command.partition(" ")
    spelled = rf"\bjiehua {re.escape(command)}\b"
    listed = rf"\bjiehua {re.escape(group)} [^\n]*[ `]{re.escape(verb)}\b" if verb else spelled
    assert _mentions(readme, f"{spelled}|{listed}"), f"jiehua {command} is missing in README.md"


def test_the_readme_names_no_command_that_does_not_exist(readme: str) -> None:
    groups = {command.split()[0] for command in COMMANDS}
    assert set(re.findall(r"`jiehua ([a-z]+)", readme)) <= groups


def test_the_readme_documents_the_contracts(readme: str) -> None:
    for words in ("make demo", "make test", WECOM_PATH, "--batch", "--lessons", "red_lines", "situations"):
        assert _mentions(readme, re.escape(words)), f"{words} is missing in README.md"


LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)|(?:src|href)=\"([^\"]+)\"")
DOCUMENTS = [README, ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(path: Path) -> None:
    for pair in LINK.findall(path.read_text(encoding="utf-8")):
        target = (pair[0] or pair[1]).partition("#")[0]
        if target and "://" not in target and not target.startswith("mailto:"):
            assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_the_changelog_knows_the_version() -> None:
    assert PROJECT["project"]["version"] in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


# --- nothing of this machine


def test_no_file_names_a_machine_or_a_package_host() -> None:
    paths = "|".join(["/wo" + "rk/", "/ro" + "ot/", "/ho" + r"me/\w", "/Us" + "ers/", "/opt/(?:py" + "pi|wheels)"])
    hosts = "|".join(
        ["py" + r"pi\.(?:org|python)", "python" + r"hosted\.org", r"\b(?:mirrors?|artifactory|nexus)\.\w+"]
    )
    wrong = re.compile(f"{paths}|{hosts}")
    found = [f"{name}: {match.group()}" for name, text in texts() for match in wrong.finditer(text)]
    assert found == []


def test_every_text_file_is_utf8_with_plain_line_ends() -> None:
    for name, text in texts():
        assert "\r" not in text, name
        assert not text or text.endswith("\n") or name.endswith(".svg"), f"{name} does not end with a line end"


# --- locks


def _locked(name: str) -> dict[str, str]:
    """Package → version of a lock file."""
    text = (ROOT / name).read_text(encoding="utf-8")
    return dict(re.findall(r"^([a-z0-9._-]+)==([^\s;\\]+)", text, re.MULTILINE))


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_has_versions_and_hashes_and_no_host(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
    assert "://" not in text
    assert "--index" not in text
    entries = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    assert len(entries) >= 40
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+==\S+", entry), entry[:80]
        assert re.search(r"--hash=sha256:[0-9a-f]{64}\b", entry), f"no hash: {entry[:80]}"


def test_what_runs_is_what_was_tested() -> None:
    runtime, development = _locked("requirements.lock"), _locked("requirements-dev.lock")
    assert runtime.items() <= development.items()


@pytest.mark.parametrize(("extra", "lock"), [(None, "requirements.lock"), ("dev", "requirements-dev.lock")])
def test_every_dependency_is_locked(extra: str | None, lock: str) -> None:
    project = PROJECT["project"]
    wanted = project["optional-dependencies"][extra] if extra else project["dependencies"]
    names = {re.split(r"[\[<>=~! ]", each)[0].lower().replace("_", "-") for each in wanted}
    assert names <= set(_locked(lock))


# --- how it is run


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    """The services of docker-compose.yml."""
    compose = yaml.safe_load((ROOT / "docker-compose.yml").read_text(encoding="utf-8"))
    return dict(compose["services"])


def test_compose_runs_two_web_replicas_and_a_worker_on_postgres(services: dict[str, Any]) -> None:
    assert set(services) == {"postgres", "migrate", "app", "worker"}
    assert services["app"]["deploy"]["replicas"] == 2
    assert services["migrate"]["command"] == ["jiehua", "db", "upgrade"]
    for name, role in (("app", "web"), ("worker", "worker")):
        assert services[name]["environment"]["JIEHUA_DATABASE_URL"].startswith("postgresql://")
        assert services[name]["environment"]["JIEHUA_ROLE"] == role
        assert set(services[name]["depends_on"]) == {"postgres", "migrate"}


def test_compose_passes_every_setting_on(services: dict[str, Any]) -> None:
    """All but the address to listen on, which the image sets."""
    known = {variable(field.name) for field in fields(Settings)}
    for name in ("app", "worker"):
        given = {name for name in services[name]["environment"] if name.startswith("JIEHUA_")}
        assert given == known - {"JIEHUA_HOST", "JIEHUA_PORT"}


def test_compose_watches_and_bounds_every_service(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert {"cpus", "memory"} <= set(service["deploy"]["resources"]["limits"]), name
        assert service["stop_grace_period"].endswith("s"), name
        assert "healthcheck" in service, name
    assert "/readyz" in services["worker"]["healthcheck"]["test"][-1]


def test_continuous_integration_checks_and_tests() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "make check" in script
    assert "make test" in script
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for tool in ("ruff check", "ruff format --check", "mypy", "lint-imports", "lessons check", "pytest"):
        assert tool in makefile
    assert PROJECT["tool"]["mypy"]["strict"] is True
    assert "error" in PROJECT["tool"]["pytest"]["ini_options"]["filterwarnings"]
