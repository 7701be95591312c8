"""`python -m derive sample NAME`: text from a trained network."""

from pathlib import Path

import click

EXAMPLES = """\
Examples:

\b
  python -m derive train gpt --data shakespeare --out runs/gpt ...
  python -m derive sample gpt --checkpoint runs/gpt --length 400 --temperature 0.8 --seed 0
  python -m derive sample gpt --prompt 'ROMEO.' --length 200

The characters are those of the text that the checkpoint was trained on.
"""


@click.command("sample", epilog=EXAMPLES)
@click.argument("name")
@click.option(
    "--checkpoint",
    "place",
    type=click.Path(path_type=Path),
    help="A run's folder or file.  [default: runs/NAME]",
)
@click.option("--length", type=click.IntRange(1), default=400, show_default=True, help="Characters to draw.")
@click.option(
    "--temperature",
    type=click.FloatRange(0),
    default=0.8,
    show_default=True,
    help="0 takes the likeliest, 1 draws as the network says.",
)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option("--prompt", default="\n", help="What the text starts with.  [default: a new line]")
@click.option(
    "--backend", type=click.Choice(["auto", "numpy", "c", "tuned"]), default="auto", show_default=True
)
@click.option("--path", default="generated", show_default=True, help="Folder of the emitted networks.")
def sample(
    name: str,
    place: Path | None,
    length: int,
    temperature: float,
    seed: int,
    prompt: str,
    backend: str,
    path: str,
) -> None:
    """Print text that the trained network NAME draws, character by character."""
    from derive.runtime import sampling, training

    folder = place if place is not None else training.run_folder(name, None)
    file = folder / training.CHECKPOINT if folder.is_dir() else folder
    network, alphabet = sampling.restored(name, file, backend, path)
    click.echo(prompt.lstrip("\n"), nl=False)
    for character in sampling.sample(network, alphabet, prompt, length, temperature, seed):
        click.echo(character, nl=False)
    click.echo()
