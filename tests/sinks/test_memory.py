"""The contract of sinks, in memory."""

from __future__ import annotations

from pathlib import Path

from tests.contracts.sink_contract import LABELS, SinkContract

from napari_seamless.sinks import MemorySink, OutputSpec


class TestMemorySink(SinkContract):
    """Run the contract."""

    def make_sink(self, folder: Path, spec: OutputSpec) -> MemorySink:
        """Return a sink that needs no folder."""
        return MemorySink(spec)


def test_it_has_no_path_and_one_level() -> None:
    sink = MemorySink(LABELS)
    assert sink.path is None
    assert len(sink.volume.levels) == 1
