"""`napari-seamless train`: from images and labels to a network file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from napari_seamless.cli.boundary import debug_option
from napari_seamless.cli.options import PerAxis
from napari_seamless.cli.segment import standard_output_kept_clean
from napari_seamless.cli.train_oss_net import train_oss_net

Command = TypeVar("Command", bound=Callable[..., Any])

PART = click.FloatRange(0, 1)
POSITIVE = click.IntRange(1)
SETTINGS: dict[str, tuple[str, Any, str, str]] = {
    "classes": ("--classes", str, "NAMES", "Name of each class by its label, such as background,vessel."),
    "ignore_label": ("--ignore-label", int, "N", "Label of voxels that do not count, beside negative ones."),
    "epochs": ("--epochs", POSITIVE, "N", "Epochs; a checkpoint follows each."),
    "patches_per_epoch": ("--patches", POSITIVE, "N", "Patches of an epoch."),
    "batch_size": ("--batch-size", POSITIVE, "N", "Patches of a step."),
    "patch_size": ("--patch", PerAxis(int), "N[,N,N]", "What the network sees at once, in voxels."),
    "loss": ("--loss", str, "NAMES", "cross_entropy, focal, dice, generalized_dice, hausdorff, boundary; joined by +."),
    "loss_classes": ("--loss-classes", PerAxis(int), "N,N,...", "Labels that losses of overlap and distance look at."),
    "schedule": (
        "--schedule",
        click.Choice(["constant", "increase", "rebalance"]),
        "",
        "How the weight of the boundary loss moves.",
    ),
    "schedule_start": ("--schedule-start", click.FloatRange(0), "ALPHA", "Weight of the boundary loss at first."),
    "schedule_step": ("--schedule-step", click.FloatRange(0), "ALPHA", "What each epoch adds to it."),
    "schedule_cap": ("--schedule-cap", click.FloatRange(0), "ALPHA", "What it does not exceed."),
    "learning_rate": ("--learning-rate", click.FloatRange(0, min_open=True), "RATE", "Rate of AdamW at first."),
    "weight_decay": ("--weight-decay", click.FloatRange(0), "RATE", "Weight decay of AdamW."),
    "channels": ("--channels", PerAxis(int), "N,N,...", "Channels of the U-Net at each level, finest first."),
    "norm": ("--norm", click.Choice(["instance", "group", "batch"]), "", "Normalisation inside the U-Net."),
    "class_share": ("--class-share", PART, "PART", "Part of the patches around a class drawn evenly."),
    "border_share": ("--border-share", PART, "PART", "Part of the patches around a border between classes."),
    "flips": ("--flips/--no-flips", None, "", "Mirror patches."),
    "rotations": ("--rotations/--no-rotations", None, "", "Turn patches by 90 degrees where spacing and size allow."),
    "brightness": ("--brightness", click.FloatRange(0), "SD", "Random shift of the intensities."),
    "contrast": ("--contrast", click.FloatRange(0), "SD", "Random factor on the intensities."),
    "noise": ("--noise", click.FloatRange(0), "SD", "Noise on each voxel."),
    "normalization": (
        "--normalization",
        click.Choice(["none", "minmax", "zscore"]),
        "",
        "How intensities are scaled, over each whole volume.",
    ),
    "validate_every": ("--validate-every", POSITIVE, "N", "Epochs between two validations."),
    "validation_overlap": (
        "--validation-overlap",
        click.FloatRange(0, 1, max_open=True),
        "PART",
        "Overlap of the patches in a validation.",
    ),
    "performance_epochs": (
        "--performance-epochs",
        POSITIVE,
        "N",
        "Latest epochs whose errors by patch coordinate are stored with the network.",
    ),
    "precision": (
        "--precision",
        click.Choice(["auto", "float32", "bfloat16", "float16"]),
        "",
        "Type that the network computes in.",
    ),
    "device": ("--device", str, "NAME", "auto, or a torch device such as cpu or cuda:0."),
    "workers": ("--workers", click.IntRange(0), "N", "Processes that read patches; 0 reads them in this one."),
    "seed": ("--seed", click.IntRange(0), "N", "Of weights, patches and their changes."),
}
"""Flag, type, placeholder and help of each setting."""

DEFAULTS = {
    "classes": "the names that the labels have, else numbers",
    "epochs": "100",
    "patches_per_epoch": "200",
    "batch_size": "2",
    "patch_size": "64",
    "loss": "cross_entropy+dice",
    "loss_classes": "all but the background",
    "schedule": "rebalance",
    "schedule_start": "0.01",
    "schedule_step": "0.01",
    "schedule_cap": "0.9",
    "learning_rate": "0.001",
    "weight_decay": "1e-05",
    "channels": "16,32,64",
    "norm": "instance",
    "class_share": "0.5",
    "border_share": "0.25",
    "flips": "flips",
    "rotations": "rotations",
    "brightness": "0.1",
    "contrast": "0.1",
    "noise": "0.05",
    "normalization": "zscore",
    "validate_every": "5",
    "validation_overlap": "0.25",
    "performance_epochs": "3",
    "precision": "auto",
    "device": "auto",
    "workers": "0",
    "seed": "0",
}
"""What the help says of the defaults of `TrainingSettings`, which is not imported for it: that would load torch."""


def training_options(command: Command) -> Command:
    """Add an option for each setting, in their order."""
    for name, (flag, kind, metavar, text) in reversed(SETTINGS.items()):
        named = {"type": kind, **({"metavar": metavar} if metavar else {})} if kind is not None else {}
        default = f"  [default: {DEFAULTS[name]}]" if name in DEFAULTS else ""
        command = click.option(flag, name, default=None, help=text + default, **named)(command)
    return command


class TrainCommand(click.Command):
    """The command that trains a U-Net, and before an output the name of another kind of network."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Hand the words over to the command of another kind of network where the first word names one."""
        if args and args[0] == train_oss_net.name:
            return train_oss_net.make_context(f"{info_name} {args[0]}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command(
    cls=TrainCommand,
    short_help="Train a network on images and labels.",
    epilog="\b\nOccupancy networks are trained by another command:\nnapari-seamless train oss-net --help",
)
@click.argument("output")
@click.option("--image", "images", required=True, multiple=True, metavar="PATH", help="Image; may come several times.")
@click.option("--labels", "labels", required=True, multiple=True, metavar="PATH", help="Its labels, in the same order.")
@click.option("--validation-image", multiple=True, metavar="PATH", help="Image that the network is judged by.")
@click.option("--validation-labels", multiple=True, metavar="PATH", help="Its labels.")
@training_options
@click.option("--overwrite", is_flag=True, help="Replace an OUTPUT that exists, and forget an unfinished training.")
@click.option("--resume", is_flag=True, help="Go on with a training that was stopped; its settings must be the same.")
@click.option("--quiet", is_flag=True, help="Show neither progress nor epochs; warnings and errors remain.")
@debug_option
def train(
    output: str,
    *,
    images: tuple[str, ...],
    labels: tuple[str, ...],
    validation_image: tuple[str, ...],
    validation_labels: tuple[str, ...],
    overwrite: bool,
    resume: bool,
    quiet: bool,
    **settings: Any,
) -> None:
    """Train a U-Net on images and labels and write the network file OUTPUT.

    The network of the best validation is kept, together with what segment and tune need: classes, normalisation, patch
    size and errors by patch coordinate. Ctrl-C stops after the current step and keeps the best network so far and the
    last checkpoint, from which the same command with --resume goes on.
    """
    if overwrite and resume:
        raise click.UsageError("--overwrite and --resume contradict each other; choose one of them.")
    for first, second, word in ((images, labels, ""), (validation_image, validation_labels, "validation-")):
        if len(first) != len(second):
            raise click.UsageError(
                f"Each --{word}image needs its --{word}labels, got {len(first)} and {len(second)} of them."
            )
    # Training and torch are imported here, so that help and wrong arguments answer at once.
    from napari_seamless.cli.train_run import TrainingRequest, run_training

    request = TrainingRequest(
        output=output,
        pairs=tuple(zip(images, labels, strict=True)),
        validation=tuple(zip(validation_image, validation_labels, strict=True)),
        settings={name: value for name, value in settings.items() if value is not None},
        overwrite=overwrite,
        resume=resume,
    )
    with standard_output_kept_clean():
        report = run_training(request, quiet=quiet)
    if not quiet:
        click.echo(report)
