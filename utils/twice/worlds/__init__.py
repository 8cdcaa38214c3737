"""Small generated worlds with exact ground truth: seeded, fast, NumPy alone.

shapes(1000, size=64, seed=0)    pictures of one coloured shape, with class, attributes, box and mask
"""

from twice.worlds.shapes import CLASSES, COLOURS, TEXTURES, Shapes, shapes

__all__ = ["CLASSES", "COLOURS", "TEXTURES", "Shapes", "shapes"]
