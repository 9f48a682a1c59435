"""Settings that a person changes by hand reach the run."""

from __future__ import annotations

import numpy as np
import pytest
from qtpy.QtWidgets import QComboBox, QLineEdit, QSpinBox
from tests.gui.hands import Hands, Threshold

PATCH = 16


def ready(make_hands, image: np.ndarray) -> Hands:
    hands = make_hands(image, Threshold())
    hands.choose_network()
    hands.tile(PATCH)
    return hands


def settings(hands: Hands):
    hands.wait_measured()
    return hands.dock.tiling.job.settings


def test_rare_settings_reach_the_job(make_hands, volume):
    hands = ready(make_hands, volume)
    hands.click("disclosure")
    hands.pick("precision", "bfloat16")
    hands.pick("flips", "y and x")
    hands.pick("damaged", "fill")
    hands.type("threads", "2")
    hands.type("batch", "3")
    hands.type("memoryBudget", "100MiB")
    chosen = settings(hands)
    assert (chosen.precision, chosen.flips, chosen.damaged_chunks) == ("bfloat16", ("y", "x"), "fill")
    assert (chosen.threads, chosen.batch_size, chosen.memory_budget) == (2, 3, 100 * 2**20)
    hands.type("threads", "0")
    hands.type("batch", "0")
    hands.pick("flips", "all")
    chosen = settings(hands)
    assert (chosen.threads, chosen.batch_size, chosen.flips) == (None, "auto", True)


@pytest.mark.parametrize(("text", "dtype"), [("16", "float16"), ("8", "uint8")])
def test_probabilities_are_stored_as_asked(make_hands, volume, text, dtype):
    hands = ready(make_hands, volume)
    assert not hands.find("stored").isVisible()
    hands.pick("write", "probabilities")
    assert hands.find("stored").isVisible()
    hands.pick("stored", f"{text} bits")
    hands.click("run")
    hands.wait_idle()
    data = np.asarray(hands.viewer.layers[-1].data)
    assert data.dtype == dtype
    np.testing.assert_allclose(data / (255 if dtype == "uint8" else 1), volume, atol=1 / 255)


def test_one_channel_of_several_is_segmented(make_hands, volume):
    hands = make_hands(None, Threshold())
    both = np.stack([volume, 1 - volume])
    hands.viewer.add_image(both, name="two", axis_labels=("c", "z", "y", "x"))
    hands.choose_network()
    hands.tile(PATCH)
    assert hands.find("channel").isVisible()
    hands.pick("channel", "channel 1")
    hands.click("run")
    hands.wait_idle()
    np.testing.assert_array_equal(hands.result.data, 1 - volume > 0.5)
    # a volume without channels has nothing to choose
    hands.viewer.add_image(volume, name="one", axis_labels=("z", "y", "x"))
    hands.pick("layer", "one")
    assert not hands.find("channel").isVisible()
    assert hands.dock.state.values["channel"] is None


def test_every_field_says_what_it_is(make_hands, volume):
    hands = make_hands(volume)
    fields = [f for kind in (QComboBox, QLineEdit, QSpinBox) for f in hands.dock.findChildren(kind) if f.objectName()]
    silent = {field.objectName() for field in fields if not field.toolTip()}
    assert silent <= {"qt_spinbox_lineedit"}
