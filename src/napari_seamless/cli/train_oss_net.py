"""`napari-seamless train oss-net`: from images and labels to an occupancy network, or to several that are compared."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from napari_seamless.cli.boundary import debug_option
from napari_seamless.cli.options import PerAxis
from napari_seamless.cli.segment import standard_output_kept_clean

Command = TypeVar("Command", bound=Callable[..., Any])

PART = click.FloatRange(0, 1)
WHOLE = click.IntRange(1)
RATE = click.FloatRange(0, min_open=True)
SEVERAL = frozenset({"inside", "encoder_channels", "milestones"})
"""Settings that are always several numbers, also where one is given."""

SETTINGS: dict[str, tuple[str, Any, str, str, str]] = {
    "inside": ("--inside", PerAxis(int), "N,N,...", "Labels that are inside.", "all above 0"),
    "classes": ("--classes", WHOLE, "N", "Classes; more than 1: the labels below N, with 0 the background.", "1"),
    "ignore_label": ("--ignore-label", int, "N", "Label of voxels that are not asked for, beside negative ones.", ""),
    "epochs": ("--epochs", WHOLE, "N", "Epochs; a checkpoint follows each.", "50"),
    "samples_per_epoch": ("--samples", WHOLE, "N", "Crops of an epoch.", "the volumes; 32 where crops are drawn"),
    "batch_size": ("--batch-size", WHOLE, "N", "Crops of a step.", "8"),
    "coordinates": ("--coordinates", WHOLE, "N", "Coordinates of each crop.", "16384"),
    "border_share": ("--border-share", PART, "PART", "Part of them near a border; 0 draws evenly.", "0.5"),
    "crop": ("--crop", PerAxis(int), "N[,N,N]", "What counts as a volume, in voxels.", "the volume, at most 128"),
    "encoder_channels": ("--encoder-channels", PerAxis(int), "N,N,...", "Channels by block.", "those of the setting"),
    "width": ("--width", WHOLE, "N", "Features of a decoder block.", "that of the setting"),
    "decoder_blocks": ("--decoder-blocks", WHOLE, "N", "Blocks of the decoder.", "that of the setting"),
    "dropout": ("--dropout", click.FloatRange(0, 1, max_open=True), "PART", "Share of features dropped.", "0.0"),
    "learning_rate": ("--learning-rate", RATE, "RATE", "Rate of RAdam at first.", "0.0003"),
    "activation_rate": ("--activation-rate", RATE, "RATE", "The same for coefficients of activations.", "0.01"),
    "milestones": ("--milestones", PerAxis(int), "N,N,...", "Epochs after which rates fall.", "2/5 and 3/5 of them"),
    "rate_factor": ("--rate-factor", click.FloatRange(0, 1, min_open=True), "PART", "By what they fall.", "0.1"),
    "lookahead_steps": ("--lookahead-steps", WHOLE, "N", "Steps between two moves of slow weights.", "5"),
    "lookahead_alpha": (
        "--lookahead-alpha",
        click.FloatRange(0, 1, min_open=True),
        "PART",
        "Part of the way that they go.",
        "0.8",
    ),
    "head_weight": ("--head-weight", click.FloatRange(0), "W", "Weight of the low-resolution head's loss.", "0.1"),
    "flips": ("--flips/--no-flips", None, "", "Mirror crops.", "flips"),
    "brightness": ("--brightness", click.FloatRange(0), "SD", "Random shift of the intensities.", "0.1"),
    "noise": ("--noise", click.FloatRange(0), "SD", "Noise on each voxel.", "0.05"),
    "held_out": (
        "--held-out",
        click.FloatRange(0, 1, min_open=True, max_open=True),
        "PART",
        "Part at the end of each volume that is judged and not trained on, without --validation-image.",
        "0.25",
    ),
    "held_out_axis": (
        "--held-out-axis",
        click.Choice(["auto", "x", "y", "z", "none"]),
        "",
        "Axis of that end; auto: the longest; none: judge by what is trained on.",
        "auto",
    ),
    "validate_every": ("--validate-every", WHOLE, "N", "Epochs between two evaluations.", "5"),
    "validation_coordinates": ("--validation-coordinates", WHOLE, "N", "Of each crop in an evaluation.", "4096"),
    "precision": (
        "--precision",
        click.Choice(["auto", "float32", "bfloat16", "float16"]),
        "",
        "Type that the network computes in.",
        "auto",
    ),
    "device": ("--device", str, "NAME", "auto, or a torch device such as cpu or cuda:0.", "auto"),
    "workers": ("--workers", click.IntRange(0), "N", "Processes that read crops; 0 reads in this one.", "0"),
    "seed": ("--seed", click.IntRange(0), "N", "Of weights, crops, coordinates and changes.", "0"),
}
"""Flag, type, placeholder, help and default, in words, of each setting but `setting` itself."""


def setting_options(command: Command) -> Command:
    """Add an option for each setting, in their order."""
    for name, (flag, kind, metavar, text, default) in reversed(SETTINGS.items()):
        named = {"type": kind, **({"metavar": metavar} if metavar else {})} if kind is not None else {}
        said = f"{text}  [default: {default}]" if default else text
        command = click.option(flag, name, default=None, help=said, **named)(command)
    return command


@click.command("oss-net", short_help="Train an occupancy network.")
@click.option("--image", "--images", "images", required=True, multiple=True, metavar="PATH", help="Image; repeatable.")
@click.option("--labels", required=True, multiple=True, metavar="PATH", help="Its labels, in the same order.")
@click.option("--out", "output", required=True, metavar="FILE", help="Network file, ending in .safetensors.")
@click.option("--validation-image", multiple=True, metavar="PATH", help="Image that the network is judged by.")
@click.option("--validation-labels", multiple=True, metavar="PATH", help="Its labels.")
@click.option("--border-map", "borders", multiple=True, metavar="PATH", help="Border map of each --labels.")
@click.option("--load", "weights", metavar="FILE", help="Weights to begin with, of the same setting.")
@click.option(
    "--setting",
    "names",
    multiple=True,
    metavar="NAME",
    help="oss_net_C1 (default), vanilla_o_net and the other published ones, or residual_unet; several are compared.",
)
@setting_options
@click.option("--log", metavar="FOLDER", help="Write a TensorBoard log.")
@click.option("--overwrite", is_flag=True, help="Replace what exists, and forget an unfinished training.")
@click.option("--resume", is_flag=True, help="Go on with a training that was stopped; its settings must be the same.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output and nothing else.")
@click.option("--quiet", is_flag=True, help="Show neither progress nor epochs nor results.")
@debug_option
def train_oss_net(**words: Any) -> None:
    """Train an occupancy network on images and labels, and write the network file of --out.

    With several --setting each network is trained in turn, into a file of its own, and one table says for each: Dice
    and IoU on what was held out, peak memory of the training, and the time to segment a crop. Ctrl-C stops after the
    current step; the same command with --resume goes on.
    """
    _check(words)
    # Training and torch are imported here, so that help and wrong arguments answer at once.
    from napari_seamless.cli.train_oss_net_run import OccupancyRequest, run_all

    given = {name: words[name] for name in SETTINGS if words[name] is not None}
    several = {name: (value,) if isinstance(value, int) else value for name, value in given.items() if name in SEVERAL}
    request = OccupancyRequest(
        output=words["output"],
        names=words["names"] or ("oss_net_C1",),
        pairs=tuple(zip(words["images"], words["labels"], strict=True)),
        validation=tuple(zip(words["validation_image"], words["validation_labels"], strict=True)),
        borders=words["borders"],
        settings={**given, **several},
        **{name: words[name] for name in ("weights", "log", "overwrite", "resume")},
    )
    with standard_output_kept_clean():
        text = run_all(request, as_json=words["as_json"], quiet=words["quiet"])
    if words["as_json"] or not words["quiet"]:
        click.echo(text)


def _check(words: dict[str, Any]) -> None:
    if words["overwrite"] and words["resume"]:
        raise click.UsageError("--overwrite and --resume contradict each other; choose one of them.")
    for first, second in (("images", "labels"), ("validation_image", "validation_labels")):
        n, m = len(words[first]), len(words[second])
        if n != m:
            word = "validation-" if first.startswith("v") else ""
            raise click.UsageError(f"Each --{word}image needs its --{word}labels, got {n} and {m} of them.")
    if words["weights"] and len(words["names"]) > 1:
        raise click.UsageError("--load gives the weights of one network; choose one --setting.")
    if len(set(words["names"])) < len(words["names"]):
        raise click.UsageError("Each --setting may come once.")
