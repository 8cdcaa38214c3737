"""The ways to compute a convolution, one a file; `twice.kernels.conv` says which is used when.

Each is a function `(w, window, shape) -> Convolution` of the weights, the geometry and the input's shape.
"""
