"""A network's description as JSON, so that a network file carries everything that inference needs."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from napari_seamless.errors import ModelError
from napari_seamless.types import ModelSpec, Normalization

_NOT_STORED = ("sha256", "source")


def spec_to_json(spec: ModelSpec) -> str:
    """Return a spec as JSON; hash and source belong to the file, not to its content.

    Examples
    --------
    >>> spec_from_json(spec_to_json(ModelSpec(name="net", classes=("a", "b"))), "file").classes
    ('a', 'b')
    """
    return json.dumps({k: v for k, v in asdict(spec).items() if k not in _NOT_STORED})


def spec_from_json(text: str, source: str) -> ModelSpec:
    """Read a spec back.

    Raises
    ------
    ModelError
        The text is no JSON object or has unknown fields.
    """
    try:
        values: dict[str, Any] = json.loads(text)
        values["normalization"] = Normalization(**values.get("normalization", {}))
        for key in ("classes", "divisor", "patch_size", "spacing", "units"):
            if values.get(key) is not None:
                values[key] = tuple(values[key])
        values["colors"] = tuple(tuple(color) for color in values.get("colors", ()))
        return ModelSpec(**values)
    except (ValueError, TypeError, AttributeError) as error:
        raise ModelError(
            f"The description inside {source} is not one that this version reads ({error}); save the network anew."
        ) from error
