"""Instance masks of labels of any size, from store to store in bounded memory."""

from napari_seamless.engine.instances.settings import InstanceSettings, Method
from napari_seamless.engine.instances.write import WrittenInstances, write_instances

__all__ = ["InstanceSettings", "Method", "WrittenInstances", "write_instances"]
