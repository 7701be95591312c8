"""A checkpoint: the parameters, the optimizer's state and the place in the run, in one safetensors file.

Parameters have their own names; a state's tensors are called `v.W1`. The metadata holds the rest as text.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from . import tensor_file
from .buffers import Array
from .errors import CheckpointError
from .network import Network
from .settings import Settings, from_record

FORMAT = "derive checkpoint 1"


@dataclass(frozen=True)
class Position:
    """The place in a run: whole epochs, batches of the next one, steps in all, the epoch's losses so far."""

    epoch: int = 0
    batch: int = 0
    step: int = 0
    loss_sum: float = 0.0


@dataclass(frozen=True)
class Checkpoint:
    """What a file held."""

    path: Path
    network: str
    settings: Settings
    position: Position
    tensors: dict[str, Array]


def save(path: Path, network: Network, settings: Settings, position: Position) -> None:
    """Write it atomically. Raise CheckpointError, a former file still whole, where the disk refuses."""
    metadata = {
        "format": FORMAT,
        "network": network.name,
        "epoch": str(position.epoch),
        "step": str(position.step),
        "seed": str(settings.seed),
        "settings": json.dumps(settings.recorded()),
        "position": json.dumps(asdict(position)),
    }
    _write(path, {**network.parameters, **_state(network, settings)}, metadata)


def save_parameters(path: Path, network: Network) -> None:
    """Write the parameters alone, as the emitted `load` reads them."""
    _write(path, network.parameters, {"network": network.name})


def _state(network: Network, settings: Settings) -> dict[str, Array]:
    states = network.description.step(settings.optimizer).states
    return {f"{state}.{name}": view for state in states for name, view in network.state[state].items()}


def _write(path: Path, tensors: dict[str, Array], metadata: dict[str, str]) -> None:
    try:
        tensor_file.write_tensors(path, tensors, metadata)
    except OSError as error:
        size = sum(array.nbytes for array in tensors.values())
        former = "; the former one there is whole" if path.exists() else ""
        raise CheckpointError(
            f"checkpoint {path} of {size:,} bytes can't be written: {error.strerror or error}{former}; free "
            f"space there, or name another folder with --out, and continue with --resume"
        ) from None


def read(path: Path) -> Checkpoint:
    """Read a file that `save` wrote. Raise CheckpointError."""
    try:
        tensors, metadata = tensor_file.read_tensors(path)
        if metadata["format"] != FORMAT:
            raise ValueError(f"its format is {metadata['format']!r}, not {FORMAT!r}")
        position = Position(**json.loads(metadata["position"]))
        return Checkpoint(path, metadata["network"], from_record(metadata["settings"]), position, tensors)
    except FileNotFoundError:
        raise CheckpointError(
            f"there is no checkpoint {path} to continue; name the folder of the run with --out, or start "
            f"without --resume"
        ) from None
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"{path} is not a checkpoint that can be continued ({error}); name another folder with --out, or "
            f"start without --resume"
        ) from None


def restore(checkpoint: Checkpoint, network: Network) -> None:
    """Put parameters and state into the network. Raise CheckpointError for another one, before any change."""
    if checkpoint.network != network.name:
        raise CheckpointError(
            f"{checkpoint.path} is a checkpoint of network {checkpoint.network!r}, not of {network.name!r}; "
            f"name another folder with --out, or start without --resume"
        )
    wanted = {**network.parameters, **_state(network, checkpoint.settings)}
    _check_tensors(checkpoint, network, wanted)
    for name, view in wanted.items():
        view[...] = checkpoint.tensors[name]
    network.taken = checkpoint.position.step


def _check_tensors(checkpoint: Checkpoint, network: Network, wanted: dict[str, Array]) -> None:
    for name in sorted({*wanted, *checkpoint.tensors}):
        ours, theirs = wanted.get(name), checkpoint.tensors.get(name)
        if ours is None or theirs is None or (ours.shape, ours.dtype) != (theirs.shape, theirs.dtype):
            raise CheckpointError(
                f"tensor {name!r} is {_kind(theirs)} in {checkpoint.path} but {_kind(ours)} in network "
                f"{network.name!r}; load the network with the sizes and dtype of the checkpoint, or start "
                f"without --resume"
            )


def _kind(array: Array | None) -> str:
    return "absent" if array is None else f"{array.dtype} {array.shape}"
