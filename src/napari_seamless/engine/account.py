"""What a walk, or many of them in other processes, has to tell beside the output."""

from __future__ import annotations

from dataclasses import dataclass, field

from napari_seamless.volume import ChunkFaults


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account of evaluated patches.

    Parameters
    ----------
    evaluated : int
        Patches that were evaluated.
    warnings : tuple of str
        What a person should know, each sentence once.
    faults : ChunkFaults
        What was wrong with the input's chunks.
    """

    evaluated: int = 0
    warnings: tuple[str, ...] = ()
    faults: ChunkFaults = field(default_factory=ChunkFaults)

    def __add__(self, other: Account) -> Account:
        """Return the account of both."""
        return Account(
            evaluated=self.evaluated + other.evaluated,
            warnings=tuple(dict.fromkeys((*self.warnings, *other.warnings))),
            faults=self.faults | other.faults,
        )
