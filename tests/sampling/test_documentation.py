"""The page on loops of one's own: its examples run and do what they say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np

PAGE = Path(__file__).parents[2] / "docs/how-to/your-own-loop.md"


def test_the_examples_of_the_page_run() -> None:
    first, second = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(first, names)
    np.testing.assert_array_equal(names["labels"], names["image"] < 0.5)
    exec(second, names)
    np.testing.assert_array_equal(names["labels"], np.asarray(names["image"][0] > 0.5))
