"""Networks that others are compared with."""

from napari_seamless.models.baselines.residual_unet import ResidualUNet, make_residual_unet

__all__ = ["ResidualUNet", "make_residual_unet"]
