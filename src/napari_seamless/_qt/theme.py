"""Colours and the dock's style sheet, taken from the viewer's theme so that dark and light both look right."""

from __future__ import annotations

from dataclasses import dataclass
from string import Template

from napari.utils.theme import get_theme
from qtpy.QtGui import QColor


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of a theme that the dock uses, plus a muted text colour and one colour per stage of a run."""

    background: str
    card: str
    field: str
    hover: str
    text: str
    muted: str
    accent: str
    done: str
    warning: str
    error: str
    read: str
    forward: str
    blend: str
    write: str


def palette(theme_id: str) -> Palette:
    """Return the colours for one of napari's themes."""
    theme = get_theme(theme_id)
    dark = theme.type == "dark"
    text, card = QColor(str(theme.text)), QColor(str(theme.foreground))
    return Palette(
        background=_name(theme.background),
        card=_mix(QColor(str(theme.background)), card, 0.55),
        field=_name(theme.primary) if dark else _mix(QColor(str(theme.background)), QColor("white"), 0.65),
        hover=_name(theme.highlight),
        text=text.name(),
        muted=_mix(text, card, 0.38),
        accent="#3d9be9" if dark else "#1769aa",
        done="#5fbf86" if dark else "#217a45",
        warning="#f0b429" if dark else "#925f00",
        error="#ff7b7b" if dark else "#b3261e",
        read="#5aa9e6",
        forward="#f2a541",
        blend="#63c29b",
        write="#b48ae0",
    )


def style_sheet(colors: Palette, dock: str = "segmentDock") -> str:
    """Return the style sheet of the dock of a name."""
    return _SHEET.substitute({name: getattr(colors, name) for name in Palette.__slots__}, dock=dock)


def _name(color: object) -> str:
    return QColor(str(color)).name()


def _mix(a: QColor, b: QColor, share: float) -> str:
    """Return the colour that lies `share` of the way from one colour to another."""
    parts = zip(a.getRgb()[:3], b.getRgb()[:3], strict=True)
    return QColor(*(round(x + (y - x) * share) for x, y in parts)).name()


_SHEET = Template("""
#$dock, #$dock QScrollArea, #stepColumn { background: $background; padding: 0px; border: 0px; }
#$dock QScrollBar:vertical { width: 7px; max-width: 7px; margin: 0px; background: transparent; }
#$dock QScrollBar::handle:vertical { background: $field; border-radius: 3px; }
#$dock QScrollBar::add-line, #$dock QScrollBar::sub-line { height: 0px; background: transparent; }
#step { background: $card; border-radius: 7px; }
#step QWidget { background-color: transparent; }
#step QLabel { padding: 0px; margin: 0px; }
#stepBadge { color: white; background-color: $accent; border-radius: 10px; font-weight: bold; }
#step #stepBadge { background-color: $accent; }
#stepTitle { font-weight: bold; font-size: 11pt; }
#muted, #factName, #tileName { color: $muted; }
#tileValue { font-weight: bold; font-size: 10pt; }
#step QComboBox, #step QLineEdit, #step QAbstractSpinBox { background-color: $field; border-radius: 3px; }
#step QComboBox { padding: 3px 6px 3px 8px; min-height: 18px; font-size: 9pt; }
#step QComboBox:hover { background-color: $hover; }
#step QComboBox::drop-down { width: 20px; }
#step QLineEdit { padding: 2px 6px; min-height: 18px; }
#step QAbstractSpinBox { min-width: 34px; padding: 1px 18px; min-height: 20px; }
#step QAbstractSpinBox[plain="true"] { padding: 1px 6px; }
#step QPushButton { background-color: $field; border-radius: 3px; padding: 4px 8px; font-size: 9pt; }
#step QPushButton:hover { background-color: $hover; }
#step QPushButton[left="true"] { text-align: left; }
#step QPushButton:checked { border: 2px solid $accent; padding: 2px 6px; }
#step QPushButton:disabled { color: $muted; background-color: $card; border: 1px solid $field; }
#step QToolButton { background-color: $field; border-radius: 3px; padding: 3px 6px; }
#step QToolButton:hover { background-color: $hover; }
#step QToolButton::menu-indicator { image: none; }
#step QToolButton#disclosure { background-color: transparent; color: $muted; padding: 2px 0px; }
#step QToolButton#disclosure:hover { color: $text; }
#step QPushButton[main="true"] { background-color: $accent; color: white; font-weight: bold; }
#step QPushButton[main="true"]:hover { background-color: $hover; }
#step QPushButton[main="true"]:disabled { background-color: $card; color: $muted; border: 1px solid $field; }
#step QTreeWidget { background-color: $field; border-radius: 3px; font-size: 9pt; alternate-background-color: $field; }
#step QTreeWidget::item:selected { background-color: $hover; color: $text; }
#step QHeaderView::section { background-color: $card; color: $muted; padding: 1px 4px; border: 0px; font-size: 8pt; }
#step QCheckBox { font-size: 9pt; background-color: transparent; }
#step QCheckBox::indicator { background-color: $field; }
#step QSlider::groove:horizontal { background-color: $field; }
#step QSlider::sub-page:horizontal { background-color: $accent; border-radius: 2px; }
#step QSlider::add-page:horizontal { background-color: $field; border-radius: 2px; }
#step QSlider::handle:horizontal { background-color: $text; width: 14px; border-radius: 7px; margin: -4px 0px; }
#step #message { padding: 5px 8px; border-radius: 3px; background-color: $background; border-left: 3px solid $muted; }
#step #message[severity="done"] { border-left-color: $done; }
#step #message[severity="warning"] { border-left-color: $warning; }
#step #message[severity="error"] { border-left-color: $error; color: $error; }
""")
