"""Questions for a path, in one place so that tests can answer them."""

from __future__ import annotations

from qtpy.QtWidgets import QFileDialog, QWidget


def choose_file(parent: QWidget, title: str, pattern: str = "") -> str:
    """Ask for a file that exists; empty where the person declines."""
    return QFileDialog.getOpenFileName(parent, title, filter=pattern)[0]


def choose_folder(parent: QWidget, title: str) -> str:
    """Ask for a folder that exists; empty where the person declines."""
    return QFileDialog.getExistingDirectory(parent, title)


def choose_output(parent: QWidget, title: str) -> str:
    """Ask for a path to write to; what is done with a taken one is chosen in the window."""
    options = QFileDialog.Option.DontConfirmOverwrite
    return QFileDialog.getSaveFileName(parent, title, "labels.zarr", "OME-Zarr (*.zarr)", options=options)[0]


def choose_network(parent: QWidget) -> str:
    """Ask for a network; empty where nothing was chosen."""
    return choose_file(
        parent, "Open a network", "Networks (*.pt *.pth *.ts *.torchscript *.safetensors);;All files (*)"
    )


def choose_network_output(parent: QWidget, name: str) -> str:
    """Ask for a file to save a network in; empty where the person declines."""
    return QFileDialog.getSaveFileName(parent, "Save the network", name, "TorchScript (*.pt)")[0]
