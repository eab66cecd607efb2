"""Files are read in a child process: the same result as in this one, and an end to what takes too much."""

from __future__ import annotations

import io
import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from onboarding.domain.models import FileRejection
from onboarding.files.models import Table
from onboarding.files.parser import ParsedFile, parse, table_of
from onboarding.pipeline import parser_process
from onboarding.pipeline.parser_process import ParsedRows, ParserFault, ParserTimeout, ParserUnavailable, TooComplex
from tests.support.hostile_parser_child import hostile_child
from tests.support.running_pipeline import csv_of, product

FILE = csv_of([product("1", price="19,99"), product("2", price="x"), product("2", sku=" =1+1 ")])


@pytest.fixture
def hostile() -> Iterator[None]:
    with hostile_child(CPU_SECONDS=1):
        yield


@pytest.fixture(autouse=True)
def no_child_is_left() -> Iterator[None]:
    parser_process.close_children()
    before = children()
    yield
    parser_process.close_children()
    assert children() == before


def children() -> set[str]:
    """The process ids of this process's children: those of other tests, and those that nobody has waited for."""
    return {pid for found in Path("/proc/self/task").glob("*/children") for pid in found.read_text().split()}


def rows_of(content: bytes) -> ParsedRows | FileRejection:
    return parser_process.parse_rows(content, "UPLOAD_1", "VEND001")


def test_parse_rows_of_a_file_returns_what_parse_returns() -> None:
    found, expected = rows_of(FILE), parse(FILE, "UPLOAD_1", "VEND001")
    assert isinstance(found, ParsedRows)
    assert isinstance(expected, ParsedFile)
    assert (found.rows, found.detected, list(found.warnings)) == (
        expected.rows,
        expected.detected,
        expected.warnings,
    )
    assert [row.line for row in found.rows] == [row.line for row in expected.rows]


def test_parse_rows_of_a_refused_file_returns_the_refusal() -> None:
    assert rows_of(b"a,b\n1,2\n") == parse(b"a,b\n1,2\n", "UPLOAD_1", "VEND001")


def test_original_rows_returns_the_rows_asked_for_alone() -> None:
    found, expected = parser_process.read_original_rows(FILE, {2}), table_of(FILE)
    assert isinstance(found, Table)
    assert isinstance(expected, Table)
    assert (found.header, found.lines) == (expected.header, expected.lines)
    assert list(found.rows) == [(), expected.rows[1], ()]


def test_parse_rows_of_a_second_file_uses_the_same_child() -> None:
    rows_of(FILE)
    [first] = parser_process._children
    rows_of(FILE)
    assert parser_process._children == {first}


@pytest.mark.usefixtures("hostile")
@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"loop", "seconds of processor time"),
        (b"memory", "MB of memory"),
        (b"killed", "ended the process that read it, with -9"),
        (b"recursion", "memory"),
    ],
)
def test_parse_rows_of_a_file_over_a_limit_raises_and_the_next_file_is_read(content: bytes, reason: str) -> None:
    with pytest.raises(TooComplex, match=reason):
        rows_of(content)
    assert isinstance(rows_of(FILE), ParsedRows)


@pytest.mark.usefixtures("hostile")
def test_parse_rows_where_the_reader_fails_raises_with_its_traceback() -> None:
    with pytest.raises(ParserFault, match=r"RuntimeError: a bug of ours"):
        rows_of(b"fault")
    assert isinstance(rows_of(FILE), ParsedRows)


def test_parse_rows_without_an_answer_in_time_raises_and_ends_the_child(tmp_path: Path) -> None:
    with hostile_child():
        with pytest.raises(ParserTimeout):
            parser_process.parse_rows(b"wait:%b" % os.fsencode(tmp_path / "never"), "U", "V", seconds=0.5)
        assert parser_process._children == set()


@pytest.mark.usefixtures("hostile")
def test_child_that_prints_does_not_disturb_the_answer() -> None:
    assert isinstance(rows_of(b"print"), FileRejection)
    assert isinstance(rows_of(FILE), ParsedRows)


@pytest.mark.usefixtures("hostile")
def test_child_that_is_killed_once_is_no_fault_of_the_file(tmp_path: Path) -> None:
    assert isinstance(rows_of(b"killed:%b" % os.fsencode(tmp_path / "killed")), FileRejection)
    assert (tmp_path / "killed").exists()


def test_child_that_ended_while_idle_is_replaced() -> None:
    rows_of(FILE)
    [child] = parser_process._children
    child.process.send_signal(signal.SIGKILL)
    child.process.wait()
    assert isinstance(rows_of(FILE), ParsedRows)


def test_child_that_cannot_start_is_no_fault_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser_process, "COMMAND", (sys.executable, "-c", "raise SystemExit(1)"))
    with pytest.raises(ParserUnavailable):
        rows_of(FILE)
    monkeypatch.setattr(parser_process, "COMMAND", ("/no/such/program",))
    with pytest.raises(ParserUnavailable):
        parser_process.ensure_child()


@pytest.mark.usefixtures("hostile")
def test_child_does_not_inherit_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD"):
        monkeypatch.setenv(name, "secret")
    with pytest.raises(ParserFault) as fault:
        rows_of(b"environment")
    [line] = str(fault.value).splitlines()[-1:]
    assert set(line.removeprefix("RuntimeError: ").split()) <= {
        *parser_process._INHERITED,
        "PYTHONPATH",
        "MALLOC_ARENA_MAX",
    }


def test_child_ends_when_its_parent_is_killed_in_the_middle_of_a_file(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "from tests.support.hostile_parser_child import hostile_child\n"
        "from onboarding.pipeline import parser_process as p\n"
        "with hostile_child():\n"
        "    p.ensure_child(); [child] = p._children; print(child.process.pid, flush=True)\n"
        "    p.parse_rows(sys.argv[1].encode(), 'U', 'V')\n"
    )
    arguments = [sys.executable, "-c", program, f"wait:{tmp_path / 'never'}"]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    deadline = time.monotonic() + 60
    while _runs(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _runs(child)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_files_read_at_once_do_not_wait_for_each_other(tmp_path: Path) -> None:
    go = tmp_path / "go"
    with hostile_child(), ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(rows_of, b"wait:%b" % os.fsencode(go)) for _ in range(2)]
        assert isinstance(rows_of(FILE), ParsedRows)
        assert not any(each.done() for each in waiting)
        go.touch()
        assert all(isinstance(each.result(), FileRejection) for each in waiting)


@pytest.mark.parametrize(("function", "megabytes"), [("512", 400), ("256", 146), ("1024", 400), (None, 400)])
def test_memory_limit_leaves_the_function_what_it_needs(
    function: str | None, megabytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", raising=False)
    if function:
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function)
    assert parser_process.memory_limit() == megabytes * 1024 * 1024


def test_answer_that_names_a_function_is_not_read() -> None:
    answer = pickle.dumps(("answer", os.getcwd))
    with pytest.raises(pickle.UnpicklingError, match="is no part of an answer"):
        parser_process._ResponseUnpickler(io.BytesIO(answer)).load()
