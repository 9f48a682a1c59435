"""Volumes as layers, and the sample data of File > Open Sample."""
