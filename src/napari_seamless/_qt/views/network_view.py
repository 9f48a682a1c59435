"""Step 2: which network."""

from __future__ import annotations

from qtpy.QtCore import Signal
from qtpy.QtWidgets import QHBoxLayout, QPushButton

from napari_seamless._qt.views.browse import choose_network
from napari_seamless._qt.views.choices import NetworkChoice
from napari_seamless._qt.views.step import Facts, Step

_FACTS = {
    "Classes": "What the network tells apart; the first is background.",
    "Channels": "Channels that the network reads, and classes that it returns.",
    "Input": "How intensities are scaled before the network sees them. Always over the whole volume, never per patch, "
    "so that the result does not depend on the tiling.",
}


class NetworkView(Step):
    """Choose the bundled network or a TorchScript file; shows what is known of it.

    Signals
    -------
    network_chosen(object)
        ``"demo"`` or a path.
    """

    network_chosen = Signal(object)

    def __init__(self) -> None:
        super().__init__(2, "Network", "The trained network that labels each patch.")
        self.networks = NetworkChoice(
            "network",
            "The bundled network tells white from grey matter in a T1-weighted brain; Browse adds a TorchScript file.",
        )
        self.networks.chosen.connect(self.network_chosen)
        self.browse = QPushButton("Browse")
        self.browse.setObjectName("networkBrowse")
        self.browse.setToolTip("Open a TorchScript file (.pt). Open only files that you trust: they contain code.")
        self.browse.clicked.connect(self._browse)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.networks, 1)
        row.addWidget(self.browse)
        self.facts = Facts(_FACTS)
        self.body.addLayout(row)
        self.body.addWidget(self.facts)

    def show_network(self, source: str | None, text: str, facts: dict[str, str], remark: str) -> None:
        """Select a network, listing it first where it is new, and show what is known of it."""
        self.networks.show_network(source, text)
        self.facts.show_facts(facts)
        self.set_remark(remark)

    def _browse(self) -> None:
        if path := choose_network(self):
            self.network_chosen.emit(path)
