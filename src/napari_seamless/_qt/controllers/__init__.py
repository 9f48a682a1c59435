"""Translators between views, the window's state, the viewer and the core."""
