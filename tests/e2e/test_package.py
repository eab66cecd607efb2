"""The distribution: built, installed into a new environment, and run outside of this checkout."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from onboarding import __version__
from tests.support.doc_pages import ROOT
from tests.support.running_pipeline import csv_of, product


def run(*command: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd), **environment},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def build(checkout: Path, target: str, directory: Path) -> Path:
    result = run(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", directory, cwd=checkout)
    assert result.returncode == 0, result.stderr
    [distribution] = directory.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return distribution


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


def test_wheel_has_the_version_of_the_package(wheel: Path) -> None:
    assert wheel.name == f"product_onboarding-{__version__}-py3-none-any.whl"


def test_source_distribution_has_only_sources_and_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    source = build(ROOT, "sdist", tmp_path / "source")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    [unpacked] = (tmp_path / "unpacked").iterdir()
    assert {path.name for path in unpacked.iterdir()} <= {
        *("src", "infra", "README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "PKG-INFO", ".gitignore")
    }
    wheel_from_source = build(unpacked, "wheel", tmp_path / "again")
    assert contents(wheel_from_source) == contents(wheel)


def test_wheel_has_the_data_files_of_the_sources(wheel: Path) -> None:
    sources = ROOT / "src"
    data_files = list(sources.rglob("*.toml"))
    assert {path.parent.name for path in data_files} >= {"files", "presets"}
    packed = contents(wheel)
    assert [path for path in data_files if packed.get(path.relative_to(sources).as_posix()) != path.read_bytes()] == []


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_wheel_installed_in_a_new_environment_validates_files(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    bin_ = tmp_path / "venv" / "bin"
    for arguments in (("--require-hashes", "-r", ROOT / "requirements-lambda.lock"), ("--no-deps", wheel)):
        # pip reads the index and the proxy from environment variables or from the user's configuration.
        result = run(
            bin_ / "pip", "install", "--quiet", "--disable-pip-version-check", *arguments, cwd=tmp_path, **os.environ
        )
        assert result.returncode == 0, result.stderr

    (tmp_path / "good.csv").write_bytes(csv_of([product("A"), product("B")]))
    (tmp_path / "bad.csv").write_bytes(csv_of([product("A"), product("B", price="free")]))
    command = bin_ / "onboarding"
    assert run(command, "--version", cwd=tmp_path).stdout.strip() == f"onboarding {__version__}"
    help_result = run(command, "--help", cwd=tmp_path)
    assert (help_result.returncode, help_result.stderr) == (0, "")
    assert "validate" in help_result.stdout
    valid_result = run(command, "validate", "good.csv", "--vendor", "VEND001", cwd=tmp_path)
    assert (valid_result.returncode, "2 of 2 rows are valid" in valid_result.stdout) == (0, True), valid_result.stderr
    invalid_result = run(command, "validate", "bad.csv", "--vendor", "VEND001", cwd=tmp_path)
    assert (invalid_result.returncode, "INVALID_PRICE" in invalid_result.stdout) == (2, True), invalid_result.stderr
    # Without the extra `local`, the command names the missing packages.
    demo = run(command, "demo", cwd=tmp_path)
    assert (demo.returncode, "pip install 'product-onboarding[local]'" in demo.stderr) == (1, True), demo.stderr


def test_wheel_content_suffices_for_the_local_stack(wheel: Path, tmp_path: Path) -> None:
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    command = "import sys, onboarding.cli.main as main; print(main.__file__); sys.exit(main.main(['demo']))"
    result = run(sys.executable, "-c", command, cwd=tmp_path, PYTHONPATH=str(tmp_path / "site"))
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.startswith(str(tmp_path / "site"))
    assert re.search(r"^Every figure is correct\.", result.stdout, re.MULTILINE)
