"""Where the spatial axes lie among the axes of patches and outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from napari_seamless.types import Box


@dataclass(frozen=True, slots=True)
class Layout:
    """Spatial axes come first or last.

    Parameters
    ----------
    n_spatial : int
        Number of spatial axes.
    spatial_first : bool
        Whether they are the first ones.

    Examples
    --------
    >>> from napari_seamless.types import Box
    >>> Layout(2, False).key(Box((0, 1), (2, 3)), 3)
    (slice(None, None, None), slice(0, 2, None), slice(1, 3, None))
    """

    n_spatial: int
    spatial_first: bool

    def spatial(self, shape: Any) -> tuple[int, ...]:
        """Return the spatial part of a shape."""
        lengths = tuple(int(n) for n in shape)
        return lengths[: self.n_spatial] if self.spatial_first else lengths[-self.n_spatial :]

    def shape_like(self, spatial: tuple[int, ...], shape: Any) -> tuple[int, ...]:
        """Return a shape with other spatial lengths."""
        shape = tuple(int(n) for n in shape)
        return (*spatial, *shape[self.n_spatial :]) if self.spatial_first else (*shape[: -self.n_spatial], *spatial)

    def key(self, box: Box, ndim: int) -> tuple[slice, ...]:
        """Return a box as an index into an array of this many axes."""
        others = (slice(None),) * (ndim - self.n_spatial)
        return (*box.slices, *others) if self.spatial_first else (*others, *box.slices)

    def spread(self, weights: Any, ndim: int) -> Any:
        """Return spatial weights in a shape that meets an array of this many axes."""
        if not self.spatial_first:
            return weights
        return weights.reshape(tuple(weights.shape) + (1,) * (ndim - self.n_spatial))
