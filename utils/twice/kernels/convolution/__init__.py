"""The ways to compute a convolution, one a file; `twice.kernels.conv` says which is used when.

Each is a function `(w, window, shape) -> (forward, to_x, to_w)` of the weights, the geometry and the input's shape:

    y  = forward(x)        the convolution
    dx = to_x(dy)          its pullback to the input, which is also the transposed convolution
    dw = to_w(x, dy)       its pullback to the weights
"""
