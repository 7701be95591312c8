"""The training of an emitted network: epochs over shuffled data, then evaluation, log and checkpoint.

A run is a function of its settings: the order of an epoch depends on seed and epoch alone, so a run that was
interrupted anywhere continues to the same bits.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from . import checkpoint, curves, log
from .buffers import Array
from .checkpoint import Position
from .data import Dataset, fit, read_data
from .errors import Diverged, Interrupted, NonFiniteError
from .evaluation import evaluate
from .loading import load, load_fastest
from .network import Network
from .nonfinite import explain
from .progress import Reporter, Silent
from .schedule import rate
from .settings import Settings, continued
from .shuffle import order
from .stopping import stop_requests

Batch = tuple[Array, ...]
CHECKPOINT = "checkpoint.safetensors"


@dataclass(frozen=True)
class Run:
    """All that a run needs: the network, the arrays, the folder of the results, whom to tell."""

    network: Network
    settings: Settings
    train: Batch
    test: Batch
    source: Path
    out: Path
    reporter: Reporter
    checkpoint_every: int | None = None
    evaluate_every: int = 1

    @property
    def batches(self) -> int:
        """Steps in an epoch; the last may be a partial batch."""
        return -(-len(self.train[0]) // self.settings.batch)

    @property
    def checkpoint(self) -> Path:
        """Parameters, state and position."""
        return self.out / CHECKPOINT

    @property
    def log(self) -> Path:
        """JSON lines."""
        return self.out / "log.jsonl"


def train(  # noqa: PLR0913 - one for each thing to choose
    settings: Settings,
    *,
    path: str | Path = "generated",
    out: str | Path | None = None,
    resume: bool = False,
    reporter: Reporter | None = None,
    dataset: Dataset | None = None,
    checkpoint_every: int | None = None,
    evaluate_every: int = 1,
    threads: int = 1,
) -> list[log.Record]:
    """Train as `settings` say and return the log: the header, then a record for each epoch.

    `checkpoint_every` counts steps, beside the checkpoint after each epoch; `threads` are the tuned C's, and
    the result does not depend on them. Raise Diverged at a loss that is
    not finite and Interrupted at Ctrl-C, both with the checkpoint written; DataError, CheckpointError.
    """
    teller = reporter or Silent()
    folder = run_folder(settings.network, out)
    former = checkpoint.read(folder / CHECKPOINT) if resume else None
    if former is not None:
        settings = continued(former.settings, {**settings.recorded(), "data": settings.data})
    network, settings = open_network(settings, path, teller, threads)
    if former is not None:
        checkpoint.restore(former, network)
    data = dataset or read_data(settings.data)
    settings = replace(settings, alphabet=data.alphabet)
    arrays = limited(fit(data, network.description, network.dtype), settings.limit)
    run = Run(
        network,
        settings,
        *arrays,
        Path(path) / settings.network,
        folder,
        teller,
        checkpoint_every,
        evaluate_every,
    )
    return _train(run, former.position if former is not None else None)


def run_folder(name: str, out: str | Path | None) -> Path:
    """Where a run leaves its results: `out`, else runs/<name>."""
    return Path("runs") / name if out is None else Path(out)


def open_network(
    settings: Settings, path: str | Path, reporter: Reporter, threads: int = 1
) -> tuple[Network, Settings]:
    """The network, drawn by the seed; `auto` is what runs it fastest here."""
    name = settings.network
    options: dict[str, Any] = {"path": path, "dtype": settings.dtype, "sizes": settings.sizes}
    options |= {"max_batch": settings.batch, "threads": threads}
    if settings.backend == "auto":
        network = load_fastest(name, notice=reporter.notice, **options)
    else:
        network = load(name, settings.backend, **options)
    return network.init(settings.seed), replace(settings, backend=network.backend)


def limited(parts: tuple[Batch, Batch], limit: int | None) -> tuple[Batch, Batch]:
    """The first `limit` examples of train and of test."""
    train, test = (tuple(array[:limit] for array in part) for part in parts)
    return train, test


def header(run: Run) -> log.Record:
    """The first line of the log."""
    return {
        "run": run.settings.recorded(),
        "title": run.network.description.title,
        "task": run.network.description.task,
        "parameters": run.network.flat.size,
        "examples": len(run.train[0]),
        "test_examples": len(run.test[0]),
        "batches": run.batches,
    }


def _train(run: Run, position: Position | None) -> list[log.Record]:
    if position is None:
        log.start(run.log, header(run))
        position = Position()
    else:
        log.rewind(run.log, header(run), position.epoch)
    title = (
        f"{run.settings.network}: {run.network.description.title}, {run.network.flat.size:,} parameters, "
        f"{len(run.train[0]):,} + {len(run.test[0]):,} examples, {run.network.backend}"
    )
    run.reporter.begin(title, run.settings.epochs, run.batches)
    try:
        with stop_requests() as requests:
            shuffled = tuple(np.empty_like(array) for array in run.train)
            while position.epoch < run.settings.epochs:
                with np.errstate(all="ignore"):  # a step says itself what is not finite
                    position = _epoch(run, position, shuffled, requests)
        run.reporter.notice(f"{position.epoch} epochs done; checkpoint, log and curves are in {run.out}")
    finally:
        run.reporter.close()
    return log.read(run.log)


def _epoch(run: Run, position: Position, shuffled: Batch, requests: list[int]) -> Position:
    """One epoch from wherever `position` stands in it: steps, evaluation, log, curves, checkpoint."""
    started = perf_counter()
    rows = order(run.settings.seed, position.epoch, len(run.train[0]))
    for array, copy in zip(run.train, shuffled, strict=True):
        np.take(array, rows, axis=0, out=copy, mode="clip")  # "raise" would take into a copy of the copy
    run.network.bind(*shuffled)
    first = position.batch
    position = _steps(run, position, shuffled, requests)
    seconds = perf_counter() - started
    examples = len(rows) - min(first * run.settings.batch, len(rows))
    record = _record(run, position, shuffled, examples / seconds)
    log.append(run.log, record)
    run.reporter.epoch(record)
    curves.write(run.out / "curves.svg", log.read(run.log))
    position = Position(position.epoch + 1, 0, position.step)
    _save(run, position)
    checkpoint.save_parameters(run.out / f"{run.network.name}.safetensors", run.network)
    return position


def _steps(run: Run, position: Position, shuffled: Batch, requests: list[int]) -> Position:
    """The rest of the epoch's steps. Raise Diverged or Interrupted, with the checkpoint written."""
    network, settings, every = run.network, run.settings, run.reporter.every
    count, size = len(shuffled[0]), settings.batch
    kind = network.description.step(settings.optimizer)
    step = network.stepper(kind.kind, **settings.scalars(tuple(s for s in kind.scalars if s != kind.number)))
    lr = rate(settings.schedule, settings.lr, settings.warmup, settings.epochs * run.batches)
    loss_sum, before = position.loss_sum, position.step - position.batch

    def place(done: int) -> Position:
        return Position(position.epoch, done, before + done, loss_sum)

    for index in range(position.batch, run.batches):
        start, stop = index * size, min(index * size + size, count)
        try:
            L = step(start, stop, lr(before + index))
        except NonFiniteError:
            raise _diverged(run, place(index), tuple(a[start:stop] for a in shuffled)) from None
        loss_sum += L * network.weight(stop - start)
        if index % every == every - 1:
            run.reporter.step(position.epoch, index, loss_sum / stop)
        if requests:
            raise _interrupted(run, place(index + 1), requests[0])
        if run.checkpoint_every and (before + index + 1) % run.checkpoint_every == 0:
            _save(run, place(index + 1))
    return place(run.batches)


def _save(run: Run, position: Position) -> None:
    checkpoint.save(run.checkpoint, run.network, run.settings, position)


def _record(run: Run, position: Position, shuffled: Batch, speed: float) -> log.Record:
    count = len(shuffled[0])
    record: dict[str, Any] = {
        "epoch": position.epoch + 1,
        "step": position.step,
        "loss": position.loss_sum / count,
        "examples_per_second": round(speed, 1),
    }
    last = position.epoch + 1 == run.settings.epochs
    if last or (position.epoch + 1) % run.evaluate_every == 0:
        for part, batch in (("train", shuffled), ("test", run.test)):
            score = evaluate(run.network, batch, with_loss=part == "test")
            record |= {f"{part}_loss": score.loss} if score.loss is not None else {}
            record |= {f"{part}_error": score.error} if score.error is not None else {}
    return record


def _diverged(run: Run, position: Position, batch: Batch) -> Diverged:
    cause = explain(run.network, run.source, batch)
    _save(run, position)
    return Diverged(
        f"training of {run.network.name!r} met a value that is not finite at step {position.step + 1} (epoch "
        f"{position.epoch + 1}, batch {position.batch + 1}): {cause}; the parameters are those after step "
        f"{position.step}, kept in {run.checkpoint}; try a smaller --lr"
    )


def _interrupted(run: Run, position: Position, number: int) -> Interrupted:
    _save(run, position)
    return Interrupted(
        f"stopped after step {position.step} (epoch {position.epoch + 1}, batch {position.batch}); the "
        f"checkpoint is {run.checkpoint}; continue with --resume",
        number,
    )
