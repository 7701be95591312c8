"""What a person sees of a run: a bar on a terminal, a line for each epoch elsewhere, nothing for programs."""

from typing import Any, Protocol

from .log import Record


class Reporter(Protocol):
    """Told of each epoch, and of every `every`-th step."""

    every: int

    def begin(self, title: str, epochs: int, batches: int) -> None:
        """The run starts: epochs in all, batches in each."""

    def step(self, epoch: int, batch: int, loss: float) -> None:
        """A batch of the epoch (both from 0) was done; `loss` is the epoch's mean so far."""

    def epoch(self, record: Record) -> None:
        """An epoch was evaluated."""

    def notice(self, text: str) -> None:
        """Something to know that is no error."""

    def close(self) -> None:
        """The run is over, however it ended."""


def summary(record: Record) -> str:
    """An epoch in a line: loss, errors in percent, examples/s."""
    parts = [f"epoch {record['epoch']:>3}", f"loss {record['loss']:.4f}"]
    for name in ("train", "test"):
        if record.get(f"{name}_error") is not None:
            parts.append(f"{name} error {100 * record[f'{name}_error']:.2f} %")
        elif record.get(f"{name}_loss") is not None:
            parts.append(f"{name} loss {record[f'{name}_loss']:.4f}")
    return "  ".join([*parts, f"{record['examples_per_second']:,.0f} examples/s"])


class Silent:
    """Says nothing."""

    every = 1 << 30

    def begin(self, title: str, epochs: int, batches: int) -> None:
        """Nothing."""

    def step(self, epoch: int, batch: int, loss: float) -> None:
        """Nothing."""

    def epoch(self, record: Record) -> None:
        """Nothing."""

    def notice(self, text: str) -> None:
        """Nothing."""

    def close(self) -> None:
        """Nothing."""


class Lines(Silent):
    """A line for each epoch, for logs and pipes."""

    def begin(self, title: str, epochs: int, batches: int) -> None:  # noqa: ARG002
        """Name the run."""
        print(title, flush=True)

    def epoch(self, record: Record) -> None:
        """Print the epoch's line."""
        print(summary(record), flush=True)

    def notice(self, text: str) -> None:
        """Print it."""
        print(text, flush=True)


class Bar(Silent):
    """A bar over the whole run, with the epochs' lines above it."""

    every = 50

    def __init__(self) -> None:
        from rich.progress import BarColumn, Progress, TextColumn

        self._progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=24),
            TextColumn("loss {task.fields[loss]:.4f}"),
            TextColumn("{task.fields[errors]}"),
        )
        self._task: Any = None
        self._batches = 0
        self._total = 0

    def begin(self, title: str, epochs: int, batches: int) -> None:
        """Show the bar."""
        self._batches = batches
        self._total = epochs
        self._progress.console.print(title, highlight=False, markup=False)
        self._task = self._progress.add_task(
            "", total=epochs * batches, epoch=f"1/{epochs}", loss=0.0, errors=""
        )
        self._progress.start()

    def step(self, epoch: int, batch: int, loss: float) -> None:
        """Move the bar."""
        done = epoch * self._batches + batch + 1
        self._progress.update(self._task, completed=done, epoch=f"{epoch + 1}/{self._total}", loss=loss)

    def epoch(self, record: Record) -> None:
        """Print the epoch's line above the bar."""
        self._progress.console.print(summary(record), highlight=False, markup=False)
        errors = [
            f"{name} {100 * record[f'{name}_error']:.2f}%"
            for name in ("train", "test")
            if record.get(f"{name}_error") is not None
        ]
        speed = f"{record['examples_per_second']:,.0f} examples/s"
        self._progress.update(self._task, errors="  ".join([*errors, speed]))

    def notice(self, text: str) -> None:
        """Print it above the bar."""
        self._progress.console.print(text, highlight=False, markup=False)

    def close(self) -> None:
        """Leave the bar as it is."""
        self._progress.stop()


def reporter() -> Reporter:
    """A bar where stdout is a terminal, else lines."""
    import sys

    return Bar() if sys.stdout.isatty() else Lines()
