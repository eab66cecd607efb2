"""Commands in the documentation work, or at least exist.

The `sh` blocks of a page are run in order on a local stack. The commands in `console` blocks, which need an AWS
account, a terminal or much time, and in inline code must exist.
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
from tests.support.doc_pages import PAGES, ROOT, code, fences, name_of

# tests/api runs the example of docs/api.md.
RUN = [page for page in PAGES if page.name != "api.md" and any(fence.language == "sh" for fence in fences(page))]

LANGUAGES = {"sh", "console", "csv", "json", "python", "sql", "text", "yaml", "diff", "http"}

# UPLOAD_ID in a page stands for the printed ID of the newest upload.
PRELUDE = """
newest() {
    onboarding uploads list --limit 1 --json |
        python -c 'import json, sys; print(json.load(sys.stdin)["uploads"][0]["upload_id"])'
}
"""
NEEDS_STACK = re.compile(
    r"^(code=0; )?onboarding (upload|uploads|report|inbox|failures|watchdog|vendors|mappings) ", re.MULTILINE
)
ENDS_WITH = re.compile(r"^(?P<command>.*?)\s+# ends with (?P<code>\d+)\b.*$", re.MULTILINE)


def script(page: Path) -> str:
    """Return a script of the blocks of a page. Commands with a comment `ends with N` must exit with N."""
    blocks = "\n".join(fence.text for fence in fences(page) if fence.language == "sh")
    checked = ENDS_WITH.sub(
        lambda match: f"code=0; {match['command']} || code=$?; test $code = {match['code']}", blocks
    )
    return PRELUDE + checked.replace("UPLOAD_ID", '"$(newest)"')


def copy_checkout(path: Path) -> Path:
    """Copy the folders that a page may read or change."""
    path.mkdir()
    for name in ("src", "infra", "docs", "tests"):
        shutil.copytree(ROOT / name, path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", path)
    (path / ".venv").symlink_to(ROOT / ".venv")
    return path


@pytest.mark.parametrize("page", RUN, ids=name_of)
def test_sh_blocks_of_page_succeed(page: Path, tmp_path: Path) -> None:
    checkout = copy_checkout(tmp_path / "checkout")
    with LocalStack(tmp_path / "state") if NEEDS_STACK.search(script(page)) else nullcontext():
        result = subprocess.run(
            ["bash", "-euxo", "pipefail", "-c", script(page)],
            cwd=checkout,
            env={
                "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "ONBOARDING_STATE": str(tmp_path / "state"),
                # A page may change its copy of the code.
                "PYTHONPATH": f"{checkout / 'src'}{os.pathsep}{os.environ['PYTHONPATH']}",
            },
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_has_a_known_language(page: Path) -> None:
    assert {fence.language for fence in fences(page)} <= LANGUAGES


def commands(page: Path) -> Iterator[str]:
    """Yield the lines of `console` blocks and the inline code of a page."""
    for fence in fences(page):
        if fence.language == "console":
            # A backslash continues the line.
            yield from re.sub(r"\\\n\s*", "", fence.text).splitlines()
    yield from code(page)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_in_page_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z0-9.-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for line in commands(page):
        words = shlex.split(re.split(r"\s+#|[|<>]|…|\.\.\.", line)[0]) if line.startswith(PROGRAMS) else []
        match words:
            case ["make", target, *_]:
                assert target in targets, line
            case [program, *arguments] if program.endswith("onboarding"):
                assert list_unknown_arguments(arguments) == [], line
            case [_, "-m", "pytest", *arguments]:
                assert [name for name in arguments if name[0] != "-" and not (ROOT / name).exists()] == [], line
            case [_, "-m", module, *_]:
                assert find_spec(module) is not None, line


TOP_LEVEL = {"src", "docs", "tests", "infra", "tools", "bench", ".ci"}
# Pages name modules of the package by their path in it, such as `pipeline/ingest.py`.
PATH = re.compile(
    rf"({'|'.join(map(re.escape, sorted(TOP_LEVEL)))}|pipeline|domain|files|storage|lambda_handlers|web|notifications)"
    r"/[\w./-]*"
)
PROGRAMS = ("make ", "onboarding ", ".venv/bin/onboarding ", "python ", ".venv/bin/python ")


def list_unknown_arguments(arguments: list[str]) -> list[str]:
    """Return the arguments that are no command or option of `onboarding`."""
    command = typer.main.get_command(app)
    options = {option for parameter in command.params for option in parameter.opts}
    result = []
    for word in arguments:
        if word.startswith("-"):
            result += [] if word.split("=")[0] in options | {"--help"} else [word]
        elif isinstance(command, typer.core.TyperGroup):
            if word not in command.commands:
                return [*result, word]
            command = command.commands[word]
            options |= {option for parameter in command.params for option in parameter.opts}
    return result


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_files_named_in_page_exist(page: Path) -> None:
    named = {
        (ROOT if match[1] in TOP_LEVEL else ROOT / "src" / "onboarding") / match[0]
        for word in code(page)
        if (match := PATH.fullmatch(word)) and "..." not in word
    }
    assert {path for path in named if not path.exists()} == set()


@pytest.mark.parametrize("page", [page for page in PAGES if page.parent == ROOT], ids=name_of)
def test_links_of_page_outside_the_site_exist(page: Path) -> None:
    linked = set(re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")))
    assert {target for target in linked if "://" not in target and not (ROOT / target).exists()} == set()


def test_pictures_are_at_most_150_kb() -> None:
    sizes = {path.name: path.stat().st_size for path in (ROOT / "docs").rglob("*.*") if path.suffix in {".png", ".svg"}}
    assert {name: size for name, size in sizes.items() if size > 150_000} == {}
