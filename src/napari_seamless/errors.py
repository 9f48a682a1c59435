"""The exceptions of the project: one small hierarchy over the built-in errors.

Every message is one sentence that names the argument, what was expected, what came and what to try.
"""


class SeamlessError(Exception):
    """Base class of every error that a person can mend; its text is meant to be shown as it stands."""


class VolumeError(SeamlessError, ValueError):
    """A source that exists cannot be used as a volume, or a part of it cannot be read."""


class VolumeNotFoundError(VolumeError, FileNotFoundError):
    """The path of a volume does not exist."""


class AxesError(VolumeError):
    """The axes of an array are unknown, ambiguous or do not fit what is asked of them."""


class GeometryError(SeamlessError, ValueError, RuntimeError):
    """Patch size, step, border mode, chunk size and shape do not fit each other."""


class SettingsError(SeamlessError, ValueError):
    """A setting is out of its range, unknown, or contradicts another one."""


class ModelError(SeamlessError, ValueError):
    """A network cannot be loaded, does not fit the volume, or returns what it must not return."""


class OutputExistsError(SeamlessError, FileExistsError):
    """The output path is taken."""


class StorageError(SeamlessError, OSError):
    """The output cannot be written: full or read-only disk, or no permission."""


class MissingDependencyError(SeamlessError, ImportError):
    """An optional dependency is needed for what was asked; the text names the extra that brings it."""


class OutOfMemoryError(SeamlessError, MemoryError):
    """There is not enough memory, on the host or on a device; what was finished is kept."""


class RunCancelledError(SeamlessError):
    """A run was cancelled by its control token; what had been finished is kept."""


class NoPatchesError(SeamlessError, RuntimeError):
    """A patch performance is asked for before the first patch."""
