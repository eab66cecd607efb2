"""Parser process: parses files in a child process with limits of time and memory."""

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

from onboarding.domain.error_codes import RejectionCode
from onboarding.domain.mappings import HeaderSource
from onboarding.domain.models import FileRejection
from onboarding.files.models import Table
from onboarding.files.parser import ParsedFile, parse, parse_table
from onboarding.pipeline import parser_process
from onboarding.pipeline.parser_process import ParsedRows, ParserError, ParserTimeout, ParserUnavailable, TooComplex
from onboarding.pipeline.parser_responses import ResponseUnpickler, dump_response
from tests.support.hostile_parser_child import hostile_child
from tests.support.running_pipeline import csv_of, product

FILE = csv_of([product("1", price="19,99"), product("2", price="x"), product("2", sku=" =1+1 ")])


@pytest.fixture
def hostile() -> Iterator[None]:
    with hostile_child(CPU_SECONDS=1):
        yield


@pytest.fixture(autouse=True)
def check_children_ended() -> Iterator[None]:
    parser_process.close_children()
    before = list_child_ids()
    yield
    parser_process.close_children()
    assert list_child_ids() == before


def list_child_ids() -> set[str]:
    """Return the process IDs of the children of this process, zombies included."""
    return {pid for path in Path("/proc/self/task").glob("*/children") for pid in path.read_text().split()}


def parse_rows(content: bytes) -> ParsedRows | FileRejection:
    return parser_process.parse_rows(content, "UPLOAD_1", "VEND001")


def test_parse_rows_of_a_file_returns_what_parse_returns() -> None:
    result, expected = parse_rows(FILE), parse(FILE, "UPLOAD_1", "VEND001")
    assert isinstance(result, ParsedRows)
    assert isinstance(expected, ParsedFile)
    assert (result.rows, result.file_details, list(result.warnings)) == (
        expected.rows,
        expected.file_details,
        expected.warnings,
    )
    assert [row.line for row in result.rows] == [row.line for row in expected.rows]


def test_parse_rows_of_a_rejected_file_returns_the_rejection() -> None:
    assert parse_rows(b"a,b\n1,2\n") == parse(b"a,b\n1,2\n", "UPLOAD_1", "VEND001")


def test_read_original_rows_returns_only_the_requested_rows() -> None:
    result, expected = parser_process.read_original_rows(FILE, {2}), parse_table(FILE)
    assert isinstance(result, Table)
    assert isinstance(expected, Table)
    assert (result.header, result.lines) == (expected.header, expected.lines)
    assert list(result.rows) == [(), expected.rows[1], ()]


def test_parse_rows_second_file_uses_the_same_child() -> None:
    parse_rows(FILE)
    [first] = parser_process._children
    parse_rows(FILE)
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
def test_parse_rows_over_a_limit_raises_and_parses_the_next_file(content: bytes, reason: str) -> None:
    with pytest.raises(TooComplex, match=reason):
        parse_rows(content)
    assert isinstance(parse_rows(FILE), ParsedRows)


@pytest.mark.usefixtures("hostile")
def test_parse_rows_parser_error_raises_with_its_traceback() -> None:
    with pytest.raises(ParserError, match=r"RuntimeError: a bug in the parser"):
        parse_rows(b"fault")
    assert isinstance(parse_rows(FILE), ParsedRows)


def test_parse_rows_timeout_raises_and_ends_the_child(tmp_path: Path) -> None:
    with hostile_child():
        with pytest.raises(ParserTimeout):
            parser_process.parse_rows(b"wait:%b" % os.fsencode(tmp_path / "never"), "U", "V", seconds=0.5)
        assert parser_process._children == set()


@pytest.mark.usefixtures("hostile")
def test_child_output_does_not_corrupt_the_response() -> None:
    assert isinstance(parse_rows(b"print"), FileRejection)
    assert isinstance(parse_rows(FILE), ParsedRows)


@pytest.mark.usefixtures("hostile")
def test_parse_rows_child_killed_once_is_retried(tmp_path: Path) -> None:
    assert isinstance(parse_rows(b"killed:%b" % os.fsencode(tmp_path / "killed")), FileRejection)
    assert (tmp_path / "killed").exists()


def test_parse_rows_child_ended_while_idle_is_replaced() -> None:
    parse_rows(FILE)
    [child] = parser_process._children
    child.process.send_signal(signal.SIGKILL)
    child.process.wait()
    assert isinstance(parse_rows(FILE), ParsedRows)


def test_parse_rows_child_cannot_start_raises_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser_process, "COMMAND", (sys.executable, "-c", "raise SystemExit(1)"))
    with pytest.raises(ParserUnavailable):
        parse_rows(FILE)
    monkeypatch.setattr(parser_process, "COMMAND", ("/no/such/program",))
    with pytest.raises(ParserUnavailable):
        parser_process.ensure_child()


@pytest.mark.usefixtures("hostile")
def test_child_does_not_inherit_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGPASSWORD"):
        monkeypatch.setenv(name, "secret")
    with pytest.raises(ParserError) as fault:
        parse_rows(b"environment")
    [line] = str(fault.value).splitlines()[-1:]
    assert set(line.removeprefix("RuntimeError: ").split()) <= {
        *parser_process._INHERITED,
        "PYTHONPATH",
        "MALLOC_ARENA_MAX",
    }


def test_child_parent_killed_while_parsing_ends(tmp_path: Path) -> None:
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
    while _is_running(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _is_running(child)


def _is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def test_parse_rows_concurrent_files_do_not_block_each_other(tmp_path: Path) -> None:
    signal_file = tmp_path / "continue"
    with hostile_child(), ThreadPoolExecutor(3) as threads:
        futures = [threads.submit(parse_rows, b"wait:%b" % os.fsencode(signal_file)) for _ in range(2)]
        assert isinstance(parse_rows(FILE), ParsedRows)
        assert not any(future.done() for future in futures)
        signal_file.touch()
        assert all(isinstance(future.result(), FileRejection) for future in futures)


@pytest.mark.parametrize(("function", "megabytes"), [("512", 400), ("256", 146), ("1024", 400), (None, 400)])
def test_memory_limit_depends_on_the_memory_of_the_function(
    function: str | None, megabytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", raising=False)
    if function:
        monkeypatch.setenv("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", function)
    assert parser_process.memory_limit() == megabytes * 1024 * 1024


def test_dump_response_enumeration_that_pickles_by_a_function_is_pickled_by_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    codes = (RejectionCode.NO_ROWS, HeaderSource.MAPPING)
    for code in codes:
        # As Python 3.11.2 does.
        monkeypatch.setattr(type(code), "__reduce_ex__", lambda self, _: (getattr, (type(self), self.name)))
    with pytest.raises(pickle.UnpicklingError, match="getattr is not a response type"):
        ResponseUnpickler(io.BytesIO(pickle.dumps(codes))).load()
    assert ResponseUnpickler(io.BytesIO(dump_response(codes))).load() == codes


def test_response_unpickler_function_name_raises_unpickling_error() -> None:
    response = pickle.dumps(("answer", os.getcwd))
    with pytest.raises(pickle.UnpicklingError, match="is not a response type"):
        ResponseUnpickler(io.BytesIO(response)).load()
