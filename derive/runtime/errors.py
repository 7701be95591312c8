"""What the runtime says when it can't go on: one paragraph naming the thing, both sizes and the remedy."""

from derive import errors


class RuntimeInputError(errors.DeriveError, ValueError):
    """Something given to the runtime does not fit; exit code 2."""


class DescriptionError(RuntimeInputError):
    """The folder of an emitted network is missing, incomplete or contradicts itself."""


class ArrayError(RuntimeInputError):
    """An array has the wrong type, shape or strides for the tensor it is bound to."""


class LabelError(RuntimeInputError):
    """A label is not in 0..classes-1."""


class DataError(RuntimeInputError):
    """A data set is missing, damaged, empty, not finite, or of the wrong size for the network."""


class CheckpointError(RuntimeInputError):
    """A checkpoint can't be read or written, or belongs to another network or another run."""


class CompilerError(RuntimeInputError):
    """No C compiler is to be had, or it refuses the source."""


class Diverged(errors.CheckFailed):
    """The training met a loss that is not finite and stopped; exit code 1."""


class Interrupted(errors.CheckFailed):
    """A signal asked the training to stop; the exit code is the shell's, 128 + the signal's number."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number


class NonFiniteError(FloatingPointError):
    """Loss or gradient of a step is not finite; the parameters are as before the step."""
