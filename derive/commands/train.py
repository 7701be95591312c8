"""`python -m derive train NAME`: train an emitted network."""

import os
from typing import Any

import click
from click.core import ParameterSource

EXAMPLES = """\
Examples:

\b
  python -m derive train two_layer --data mnist --backend c --epochs 10 --lr 0.2 --batch 100
  python -m derive train two_layer --optimizer momentum --lr 0.02 --mu 0.9 --out runs/momentum
  python -m derive train two_layer --out runs/momentum --resume --epochs 20
  python -m derive train two_layer --data spirals --size n=2 --size d=32 --size k=2
  python -m derive train two_layer --data mine.npz
  python -m derive train two_layer --backend tuned --threads 2
  python -m derive train gpt --data shakespeare --optimizer adamw --lr 1e-3 --beta2 0.95 --weight-decay 0.1 \
      --batch 8 --schedule cosine --warmup 200 --epochs 1

Data is mnist, fashion-mnist, shakespeare, digits, rings, xor, spirals, waves, or a path: .npz with X and y,
or X_train, y_train, X_test, y_test; .csv with a header whose first or last name is `label` (classes 0, 1,
...) or `target` (reals); a folder of IDX files. A fifth is held out where there is no test set. A text is
shakespeare or text:FILE: windows of T + 1 characters lie end to end, the last tenth is held out.

The folder --out receives checkpoint.safetensors, log.jsonl, curves.svg and NAME.safetensors, the parameters
alone. --resume takes every option that is left out from the checkpoint and continues to the same bits.
"""

BELOW_ONE = click.FloatRange(0, 1, max_open=True)

# What the libraries below NumPy read when they are loaded.
THREADS = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "VECLIB_MAXIMUM_THREADS")


def parse_sizes(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, int]:
    """`("n=2", "d=32")` -> {"n": 2, "d": 32}."""
    sizes = {}
    for text in given:
        symbol, equals, size = text.partition("=")
        if not (symbol and equals and size.isdecimal() and int(size) > 0):
            raise click.BadParameter(f"{text!r} is not a symbol and a size, as n=2")
        sizes[symbol] = int(size)
    return sizes


@click.command("train", epilog=EXAMPLES)
@click.argument("name")
@click.option("--data", default="mnist", show_default=True, help="A data set's name, or a path.")
@click.option(
    "--backend",
    type=click.Choice(["auto", "numpy", "c", "tuned"]),
    default="auto",
    show_default=True,
    help="auto: C where there is a compiler, tuned where it was built, else NumPy.",
)
@click.option("--dtype", type=click.Choice(["float32", "float64"]), default="float32", show_default=True)
@click.option("--epochs", type=click.IntRange(1), default=10, show_default=True)
@click.option("--lr", type=click.FloatRange(0), default=0.1, show_default=True, help="Learning rate.")
@click.option("--batch", type=click.IntRange(1), default=100, show_default=True, help="Examples in a step.")
@click.option(
    "--optimizer",
    type=click.Choice(["sgd", "momentum", "averaged", "adamw"]),
    default="sgd",
    show_default=True,
)
@click.option("--mu", type=click.FloatRange(0), default=0.9, show_default=True, help="Of the momentum.")
@click.option("--beta1", type=BELOW_ONE, default=0.9, show_default=True, help="Of AdamW's mean.")
@click.option("--beta2", type=BELOW_ONE, default=0.999, show_default=True, help="Of AdamW's mean of squares.")
@click.option("--eps", type=click.FloatRange(0), default=1e-8, show_default=True, help="Beside AdamW's root.")
@click.option(
    "--schedule",
    type=click.Choice(["constant", "cosine"]),
    default="constant",
    show_default=True,
    help="Of the learning rate over the whole run.",
)
@click.option("--warmup", type=click.IntRange(0), default=0, show_default=True, help="Steps up to the rate.")
@click.option("--weight-decay", type=click.FloatRange(0), default=0.0, show_default=True)
@click.option(
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of parameters and shuffling."
)
@click.option("--limit", type=click.IntRange(1), help="Use the first LIMIT examples of train and test.")
@click.option(
    "--size", "sizes", multiple=True, callback=parse_sizes, metavar="n=2", help="Another size of the network."
)
@click.option(
    "--threads",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Of the tuned C, for the same bits, and of NumPy's products; the plain C runs on one. More pays "
    "where layers are wide and no other job runs.",
)
@click.option("--path", default="generated", show_default=True, help="Folder of the emitted networks.")
@click.option("--out", help="Folder of the results.  [default: runs/NAME]")
@click.option("--resume", is_flag=True, help="Continue the run in --out.")
@click.option("--evaluate-every", type=click.IntRange(1), default=1, show_default=True, help="Epochs.")
@click.option("--checkpoint-every", type=click.IntRange(1), help="Steps, beside every epoch's end.")
@click.pass_context
def train(
    context: click.Context,
    /,
    name: str,
    path: str,
    out: str | None,
    resume: bool,
    threads: int,
    **options: Any,
) -> None:
    """Train the emitted network NAME, with a log, curves and a checkpoint."""
    set_threads(threads, is_given(context, "threads"))
    from derive.runtime import checkpoint, progress, settings, training

    folder = training.run_folder(name, out)
    every = {option: options.pop(option) for option in ("evaluate_every", "checkpoint_every")}
    if resume:
        given = {n: value for n, value in options.items() if is_given(context, n)}
        former = checkpoint.read(folder / training.CHECKPOINT).settings
        chosen = settings.continued(former, {"network": name, **given})
    else:
        chosen = settings.Settings(network=name, **options)
    training.train(
        chosen, path=path, out=folder, resume=resume, reporter=progress.reporter(), threads=threads, **every
    )


def set_threads(threads: int, given: bool) -> None:
    """Tell the libraries below NumPy, before it is imported; an option stands above the environment."""
    for variable in THREADS:
        if given or variable not in os.environ:
            os.environ[variable] = str(threads)


def is_given(context: click.Context, name: str) -> bool:
    """Say whether the option stands on the command line."""
    return context.get_parameter_source(name) is ParameterSource.COMMANDLINE
