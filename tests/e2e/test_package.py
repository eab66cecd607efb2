"""The package as others get it: built, installed into an environment of its own, and run far from this checkout."""

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


def built(checkout: Path, target: str, directory: Path) -> Path:
    done = run(sys.executable, "-m", "hatchling", "build", "-t", target, "-d", directory, cwd=checkout)
    assert done.returncode == 0, done.stderr
    [made] = directory.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return made


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(ROOT, "wheel", tmp_path_factory.mktemp("wheel"))


def test_wheel_has_the_version_of_the_package(wheel: Path) -> None:
    assert wheel.name == f"product_onboarding-{__version__}-py3-none-any.whl"


def test_source_distribution_has_only_sources_and_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    source = built(ROOT, "sdist", tmp_path / "source")
    with tarfile.open(source) as archive:
        archive.extractall(tmp_path / "unpacked", filter="data")
    [unpacked] = (tmp_path / "unpacked").iterdir()
    assert {path.name for path in unpacked.iterdir()} <= {
        *("src", "infra", "README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "PKG-INFO", ".gitignore")
    }
    again = built(unpacked, "wheel", tmp_path / "again")
    assert contents(again) == contents(wheel)


def contents(wheel: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_wheel_installed_in_a_new_environment_validates_files(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    bin_ = tmp_path / "venv" / "bin"
    for what in (("--require-hashes", "-r", ROOT / "requirements-lambda.lock"), ("--no-deps", wheel)):
        # Where the index is, and how to get there, stands in the environment or in a file of the user's.
        done = run(bin_ / "pip", "install", "--quiet", "--disable-pip-version-check", *what, cwd=tmp_path, **os.environ)
        assert done.returncode == 0, done.stderr

    (tmp_path / "good.csv").write_bytes(csv_of([product("A"), product("B")]))
    (tmp_path / "bad.csv").write_bytes(csv_of([product("A"), product("B", price="free")]))
    command = bin_ / "onboarding"
    assert run(command, "--version", cwd=tmp_path).stdout.strip() == f"onboarding {__version__}"
    helped = run(command, "--help", cwd=tmp_path)
    assert (helped.returncode, helped.stderr) == (0, "")
    assert "validate" in helped.stdout
    good = run(command, "validate", "good.csv", "--vendor", "VEND001", cwd=tmp_path)
    assert (good.returncode, "2 of 2 rows are valid" in good.stdout) == (0, True), good.stderr
    bad = run(command, "validate", "bad.csv", "--vendor", "VEND001", cwd=tmp_path)
    assert (bad.returncode, "INVALID_PRICE" in bad.stdout) == (2, True), bad.stderr
    # Without the extra that has it, the local stack says what is missing.
    demo = run(command, "demo", cwd=tmp_path)
    assert (demo.returncode, "pip install 'product-onboarding[local]'" in demo.stderr) == (1, True), demo.stderr


def test_wheel_content_suffices_for_the_local_stack(wheel: Path, tmp_path: Path) -> None:
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    command = "import sys, onboarding.cli.main as main; print(main.__file__); sys.exit(main.main(['demo']))"
    done = run(sys.executable, "-c", command, cwd=tmp_path, PYTHONPATH=str(tmp_path / "site"))
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.startswith(str(tmp_path / "site"))
    assert re.search(r"^Every figure is correct\.", done.stdout, re.MULTILINE)
