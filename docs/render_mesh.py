"""Draw a GLB file with VTK, a program that knows nothing of how it was made.

Needs a display with OpenGL and VTK::

    xvfb-run -a python docs/render_mesh.py brain.glb picture.png
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from vtkmodules.vtkCommonDataModel import vtkPlane
from vtkmodules.vtkIOImage import vtkPNGWriter
from vtkmodules.vtkIOImport import vtkGLTFImporter
from vtkmodules.vtkRenderingCore import vtkLightKit, vtkRenderer, vtkRenderWindow, vtkWindowToImageFilter

# VTK finds what draws by importing it
import vtkmodules.vtkRenderingOpenGL2  # noqa: F401  isort:skip

SIZE = (1400, 1000)
_LIGHT = 2.2
BACKGROUND = ((0.10, 0.11, 0.14), (0.24, 0.26, 0.31))


def render(source: Path, picture: Path) -> None:
    """Draw a file; of the largest surface, one half is cut away."""
    window = open_file(source)
    renderer = window.GetRenderers().GetFirstRenderer()
    cut_half(renderer)
    camera = renderer.GetActiveCamera()
    camera.SetFocalPoint(0, 0, 0)
    # files have x, y, z: from the front, the side and above
    camera.SetPosition(1.0, 1.3, 0.8)
    camera.SetViewUp(0, 0, 1)
    renderer.ResetCamera()
    camera.Zoom(1.35)
    renderer.ResetCameraClippingRange()
    window.Render()
    shot = vtkWindowToImageFilter()
    shot.SetInput(window)
    shot.ReadFrontBufferOff()
    writer = vtkPNGWriter()
    writer.SetFileName(str(picture))
    writer.SetInputConnection(shot.GetOutputPort())
    writer.Write()


def open_file(source: Path) -> Any:
    """Return a window that shows a file."""
    window, renderer = vtkRenderWindow(), vtkRenderer()
    window.OffScreenRenderingOn()
    window.SetSize(*SIZE)
    window.SetMultiSamples(8)
    window.AddRenderer(renderer)
    renderer.SetBackground(*BACKGROUND[0])
    renderer.SetBackground2(*BACKGROUND[1])
    renderer.GradientBackgroundOn()
    importer = vtkGLTFImporter()
    importer.SetFileName(str(source))
    importer.SetRenderWindow(window)
    importer.Update()
    lights = vtkLightKit()
    lights.SetKeyLightIntensity(_LIGHT)
    lights.AddLightsToRenderer(renderer)
    return window


def cut_half(renderer: Any) -> None:
    """Cut one half of the largest surface away, where there are several."""
    actors = list(renderer.GetActors())
    if len(actors) < 2:
        return
    outer = max(actors, key=lambda actor: actor.GetLength())
    middle = outer.GetCenter()
    plane = vtkPlane()
    plane.SetOrigin(*middle)
    plane.SetNormal(-1, 0, 0)
    outer.GetMapper().AddClippingPlane(plane)


if __name__ == "__main__":
    render(Path(sys.argv[1]), Path(sys.argv[2]))
