"""Every command that a page shows works, or at least exists.

A block marked `sh` is run here, all blocks of a page one after the other, on a local stack of the page's own. A block
marked `console` is only shown, since it needs what a test has not: an AWS account, a terminal, another quarter of an
hour. Its commands must exist all the same, and so must those in sentences.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import nullcontext
from importlib.util import find_spec
from pathlib import Path

import pytest
import typer

from onboarding.cli.main import app
from onboarding.local.stack import LocalStack
from tests.support.doc_pages import PAGES, ROOT, WRITTEN, code, fences, name_of

# The walk of docs/api.md speaks HTTP, and has tests of its own in tests/api.
RUN = [page for page in WRITTEN if page.name != "api.md" and any(fence.language == "sh" for fence in fences(page))]

SHOWN = {"sh", "console", "csv", "json", "python", "sql", "text", "yaml", "diff", "http"}

# Of an id in a page, the reader takes the one that was printed: here it is the newest upload's.
PRELUDE = """
newest() {
    onboarding uploads list --limit 1 --json |
        python -c 'import json, sys; print(json.load(sys.stdin)["uploads"][0]["upload_id"])'
}
"""
NEEDS_ENGINE = re.compile(
    r"^(code=0; )?onboarding (upload|uploads|report|inbox|failures|watchdog|vendors) ", re.MULTILINE
)
ENDS_WITH = re.compile(r"^(?P<command>.*?)\s+# ends with (?P<code>\d+)\b.*$", re.MULTILINE)


def script(page: Path) -> str:
    """The page's blocks as a reader runs them. A command that is said to end with a code must do so."""
    blocks = "\n".join(fence.text for fence in fences(page) if fence.language == "sh")
    checked = ENDS_WITH.sub(
        lambda found: f"code=0; {found['command']} || code=$?; test $code = {found['code']}", blocks
    )
    return PRELUDE + checked.replace("UPLOAD_ID", '"$(newest)"')


def a_checkout(path: Path) -> Path:
    """A copy of what a page may look at or change, with the environment of this one."""
    path.mkdir()
    for name in ("src", "infra", "docs", "tests"):
        shutil.copytree(ROOT / name, path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", path)
    (path / ".venv").symlink_to(ROOT / ".venv")
    return path


@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_what_a_page_says_to_run_works(page: Path, tmp_path: Path) -> None:
    checkout = a_checkout(tmp_path / "checkout")
    with LocalStack(tmp_path / "state") if NEEDS_ENGINE.search(script(page)) else nullcontext():
        done = subprocess.run(
            ["bash", "-euxo", "pipefail", "-c", script(page)],
            cwd=checkout,
            env={
                "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "ONBOARDING_STATE": str(tmp_path / "state"),
                # A page may change the code: its own copy of it.
                "PYTHONPATH": f"{checkout / 'src'}{os.pathsep}{os.environ['PYTHONPATH']}",
            },
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_says_what_it_is(page: Path) -> None:
    assert {fence.language for fence in fences(page)} <= SHOWN


def shown(page: Path) -> Iterator[str]:
    """The commands of ours that a page shows, in blocks that are not run and in sentences."""
    for fence in fences(page):
        if fence.language == "console":
            # A line may go on after a backslash.
            yield from re.sub(r"\\\n\s*", "", fence.text).splitlines()
    yield from code(page)


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_what_is_shown_exists(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z0-9.-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in shown(page):
        words = shlex.split(re.split(r"\s+#|[|<>]|…|\.\.\.", line)[0]) if line.startswith(OURS) else []
        match words:
            case ["make", target, *_]:
                assert target in targets, line
            case [program, *arguments] if program.endswith("onboarding"):
                assert unknown(arguments) == [], line
            case [_, "-m", "pytest", *arguments]:
                assert [name for name in arguments if name[0] != "-" and not (ROOT / name).exists()] == [], line
            case [_, "-m", module, *_]:
                assert find_spec(module) is not None, line


LONG = {"chaos", "load", "fuzz", "bench"}
OURS = ("make ", "onboarding ", ".venv/bin/onboarding ", "python ", ".venv/bin/python ")


def unknown(arguments: list[str]) -> list[str]:
    """The words that no command and no option of `onboarding` goes by."""
    command = typer.main.get_command(app)
    options = {option for parameter in command.params for option in parameter.opts}
    strange = []
    for word in arguments:
        if word.startswith("-"):
            strange += [] if word.split("=")[0] in options | {"--help"} else [word]
        elif isinstance(command, typer.core.TyperGroup):
            if word not in command.commands:
                return [*strange, word]
            command = command.commands[word]
            options |= {option for parameter in command.params for option in parameter.opts}
    return strange


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_the_files_that_a_page_names_are_there(page: Path) -> None:
    named = {
        word
        for word in code(page)
        if re.fullmatch(r"(src|docs|tests|infra|tools|bench|\.ci)/[\w./-]*", word) and "..." not in word
    }
    assert {word for word in named if not (ROOT / word).exists()} == set()


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent == ROOT], ids=name_of)
def test_what_a_page_outside_the_site_links_to_is_there(page: Path) -> None:
    linked = set(re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")))
    assert {target for target in linked if "://" not in target and not (ROOT / target).exists()} == set()


def test_pictures_are_small() -> None:
    sizes = {path.name: path.stat().st_size for path in (ROOT / "docs").rglob("*.*") if path.suffix in {".png", ".svg"}}
    assert {name: size for name, size in sizes.items() if size > 150_000} == {}


def test_ci_runs_what_the_readme_tells_a_user_to_install() -> None:
    """Everything that needs more than Python: what it needs is installed there, and it is run."""
    ci = (ROOT / ".ci" / "run").read_text()
    readme = (ROOT / "README.md").read_text()
    [packages] = re.findall(r"apt-get install ([a-z ]+)", readme)
    assert all(package in ci for package in packages.split())
    [run] = re.findall(r"^for step in ([a-z0-9. -]+); do$", ci, re.MULTILINE)
    # What takes a quarter of an hour or more is for a person; of the wheel, tests/e2e/test_package.py.
    assert set(run.split()) == set(re.findall(r"`?make ([a-z]+(?:-[0-9.]*[0-9])?)", readme)) - {
        "up",
        "check",
        "dist",
        *LONG,
    }
    for target in LONG:
        assert f"`make {target}`" in readme
