"""The definitions, as loops: slow, obvious, and what every fast kernel is tested against.

The chapters begin here. Nothing in this file is vectorised where a loop says it more plainly, and nothing
in the library but the tests and the chapters calls it.
"""

import numpy as np

Array = np.ndarray

# ── convolution ─────────────────────────────────────────────────────────────────────────────────────────────


def correlate1d(x: Array, w: Array, stride: int = 1) -> Array:
    """y[i] = Σ_t x[s·i + t] w[t]: the kernel slides along one line, unflipped, where it fits."""
    y = np.zeros((len(x) - len(w)) // stride + 1, x.dtype)
    for i in range(len(y)):
        for t in range(len(w)):
            y[i] += x[i * stride + t] * w[t]
    return y


def correlate2d(x: Array, w: Array, stride: int = 1) -> Array:
    """The same in a plane: y[i, j] = Σ_{u, v} x[s·i + u, s·j + v] w[u, v]."""
    y = np.zeros([(n - k) // stride + 1 for n, k in zip(x.shape, w.shape)], x.dtype)
    for i, j in np.ndindex(y.shape):
        for u, v in np.ndindex(w.shape):
            y[i, j] += x[i * stride + u, j * stride + v] * w[u, v]
    return y


def conv2d(
    x: Array, w: Array, b: Array | None = None, stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1
) -> Array:
    """A layer: y[n, k, i, j] = Σ_{c, u, v} x[n, c, s·i + d·u − p, s·j + d·v − p] w[k, c, u, v] + b[k].

    x is (N, C, H, W), w is (K, C/groups, FH, FW); outside the image x is 0. Kernel k sees the channels of its group.
    """
    N, _, H, W = x.shape
    K, per_group, FH, FW = w.shape
    OH = (H + 2 * padding - dilation * (FH - 1) - 1) // stride + 1
    OW = (W + 2 * padding - dilation * (FW - 1) - 1) // stride + 1
    y = np.zeros((N, K, OH, OW), x.dtype)
    for n, k, i, j in np.ndindex(y.shape):
        first = k // (K // groups) * per_group
        for c, u, v in np.ndindex(per_group, FH, FW):
            h, q = i * stride + u * dilation - padding, j * stride + v * dilation - padding
            if 0 <= h < H and 0 <= q < W:
                y[n, k, i, j] += x[n, first + c, h, q] * w[k, c, u, v]
        if b is not None:
            y[n, k, i, j] += b[k]
    return y


def conv2d_back(
    dy: Array, x: Array, w: Array, stride: int = 1, padding: int = 0, dilation: int = 1, groups: int = 1
) -> tuple[Array, Array, Array]:
    """Every product x·w of the layer went into one y: its dy goes to dx through w and to dw through x."""
    dx, dw, db = np.zeros_like(x), np.zeros_like(w), np.zeros(len(w), w.dtype)
    per_group, FH, FW = w.shape[1:]
    for n, k, i, j in np.ndindex(dy.shape):
        first = k // (len(w) // groups) * per_group
        db[k] += dy[n, k, i, j]
        for c, u, v in np.ndindex(per_group, FH, FW):
            h, q = i * stride + u * dilation - padding, j * stride + v * dilation - padding
            if 0 <= h < x.shape[2] and 0 <= q < x.shape[3]:
                dx[n, first + c, h, q] += dy[n, k, i, j] * w[k, c, u, v]
                dw[k, c, u, v] += dy[n, k, i, j] * x[n, first + c, h, q]
    return dx, dw, db


def conv_transpose2d(x: Array, w: Array, stride: int = 1, padding: int = 0) -> Array:
    """Each x[n, c, i, j] stamps its kernel, w (C, K, FH, FW), onto the output: what overlaps adds up."""
    (N, _, H, W), (_, K, FH, FW) = x.shape, w.shape
    full = np.zeros((N, K, (H - 1) * stride + FH, (W - 1) * stride + FW), x.dtype)
    for n, c, i, j in np.ndindex(x.shape):
        full[n, :, i * stride : i * stride + FH, j * stride : j * stride + FW] += x[n, c, i, j] * w[c]
    return full[:, :, padding : full.shape[2] - padding, padding : full.shape[3] - padding]


# ── pooling and resampling ──────────────────────────────────────────────────────────────────────────────────


def max_pool2d(x: Array, kernel: int, stride: int, padding: int = 0) -> tuple[Array, Array]:
    """The largest entry of each window of x (N, C, H, W), and its place h·W + w; the first of equal entries."""
    N, C, H, W = x.shape
    OH, OW = (H + 2 * padding - kernel) // stride + 1, (W + 2 * padding - kernel) // stride + 1
    y, place = np.full((N, C, OH, OW), -np.inf, x.dtype), np.zeros((N, C, OH, OW), np.int64)
    for n, c, i, j in np.ndindex(y.shape):
        for u in range(kernel):
            for v in range(kernel):
                h, w = i * stride - padding + u, j * stride - padding + v
                if 0 <= h < H and 0 <= w < W and x[n, c, h, w] > y[n, c, i, j]:
                    y[n, c, i, j], place[n, c, i, j] = x[n, c, h, w], h * W + w
    return y, place


def max_pool2d_back(dy: Array, place: Array, shape: tuple[int, ...]) -> Array:
    """Each dy goes back to the entry that won; an entry that won twice gets both."""
    dx = np.zeros(shape, dy.dtype)
    for n, c, i, j in np.ndindex(dy.shape):
        h, w = divmod(place[n, c, i, j], shape[3])
        dx[n, c, h, w] += dy[n, c, i, j]
    return dx


def avg_pool2d(x: Array, kernel: int, stride: int, padding: int = 0, count_include_pad: bool = True) -> Array:
    """The mean of each window of x (N, C, H, W); the border counts as zeros, or not at all."""
    N, C, H, W = x.shape
    OH, OW = (H + 2 * padding - kernel) // stride + 1, (W + 2 * padding - kernel) // stride + 1
    y = np.zeros((N, C, OH, OW), x.dtype)
    for n, c, i, j in np.ndindex(y.shape):
        count = 0
        for u in range(kernel):
            for v in range(kernel):
                h, w = i * stride - padding + u, j * stride - padding + v
                inside = 0 <= h < H and 0 <= w < W
                count += inside or count_include_pad
                y[n, c, i, j] += x[n, c, h, w] if inside else 0
        y[n, c, i, j] /= count
    return y


def adaptive_avg_pool2d(x: Array, out: tuple[int, int]) -> Array:
    """Any plane (H, W) to a plane of size `out`: window i goes from ⌊i·n/o⌋ to ⌈(i+1)·n/o⌉."""
    (N, C, H, W), (OH, OW) = x.shape, out
    y = np.zeros((N, C, OH, OW), x.dtype)
    for n, c, i, j in np.ndindex(y.shape):
        window = x[n, c, i * H // OH : -(-(i + 1) * H // OH), j * W // OW : -(-(j + 1) * W // OW)]
        y[n, c, i, j] = window.sum() / window.size
    return y


def resize_bilinear(x: Array, out: tuple[int, int]) -> Array:
    """Each output entry reads x between four neighbours, centres on centres; the border repeats."""
    (N, C, H, W), (OH, OW) = x.shape, out
    y = np.zeros((N, C, OH, OW), x.dtype)
    for n, c, i, j in np.ndindex(y.shape):
        h, w = max((i + 0.5) * H / OH - 0.5, 0), max((j + 0.5) * W / OW - 0.5, 0)
        for u in (int(h), int(h) + 1):
            for v in (int(w), int(w) + 1):
                weight = (1 - abs(h - u)) * (1 - abs(w - v))
                y[n, c, i, j] += weight * x[n, c, min(u, H - 1), min(v, W - 1)]
    return y


def pixel_shuffle(x: Array, r: int) -> Array:
    """r² channels become one plane r times as large: y[c, h r + i, w r + j] = x[c r² + i r + j, h, w]."""
    N, C, H, W = x.shape
    y = np.zeros((N, C // r**2, H * r, W * r), x.dtype)
    for n, c, h, w in np.ndindex(y.shape):
        y[n, c, h, w] = x[n, c * r**2 + (h % r) * r + w % r, h // r, w // r]
    return y


def embedding_back(dy: Array, indices: Array, rows: int) -> Array:
    """Every token adds its gradient to the row of the table that it looked up."""
    dw = np.zeros((rows, dy.shape[-1]), dy.dtype)
    for place in np.ndindex(indices.shape):
        dw[indices[place]] += dy[place]
    return dw


# ── activation, normalisation, loss ─────────────────────────────────────────────────────────────────────────


def softmax(x: Array) -> Array:
    """yᵢ = eˣⁱ / Σ eˣʲ for one row."""
    powers = [np.exp(value) for value in x]
    return np.array([power / sum(powers) for power in powers])


def batch_norm(x: Array, weight: Array, bias: Array, eps: float = 1e-5) -> Array:
    """Each channel of x (N, C, H, W) by the mean and the variance of all its numbers."""
    examples, channels, height, width = x.shape
    y = np.empty_like(x)
    for c in range(channels):
        values = [x[n, c, i, j] for n in range(examples) for i in range(height) for j in range(width)]
        mean = sum(values) / len(values)
        variance = sum((value - mean) ** 2 for value in values) / len(values)
        for n in range(examples):
            for i in range(height):
                for j in range(width):
                    y[n, c, i, j] = weight[c] * (x[n, c, i, j] - mean) / np.sqrt(variance + eps) + bias[c]
    return y


def layer_norm(x: Array, weight: Array, bias: Array, eps: float = 1e-5) -> Array:
    """Each row of x (N, D) by its own mean and variance."""
    y = np.empty_like(x)
    for n, row in enumerate(x):
        mean = sum(row) / len(row)
        variance = sum((value - mean) ** 2 for value in row) / len(row)
        for d, value in enumerate(row):
            y[n, d] = weight[d] * (value - mean) / np.sqrt(variance + eps) + bias[d]
    return y


def local_response_norm(x: Array, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Array:
    """Each number of x (N, C, H, W) by the squares at its place in the `size` channels around its own."""
    examples, channels, height, width = x.shape
    y = np.empty_like(x)
    for n, c, i, j in np.ndindex(examples, channels, height, width):
        total = 0.0
        for neighbour in range(c - size // 2, c + (size - 1) // 2 + 1):
            if 0 <= neighbour < channels:
                total += x[n, neighbour, i, j] ** 2
        y[n, c, i, j] = x[n, c, i, j] / (k + alpha / size * total) ** beta
    return y


def cross_entropy(x: Array, target: Array) -> float:
    """The mean of −ln p, p the softmax of a row of scores x (N, C) at its class."""
    return float(sum(-np.log(softmax(row)[t]) for row, t in zip(x, target)) / len(x))


def hinge_loss(x: Array, target: Array) -> float:
    """The mean of max(0, 1 − t·x) over scores x and signs t."""
    return float(sum(max(0.0, 1 - t * score) for score, t in zip(x, target)) / len(x))


def multi_margin_loss(x: Array, target: Array, margin: float = 1.0) -> float:
    """The mean of Σ_{j≠t} max(0, margin − x_t + x_j) / C over the rows of x (N, C)."""
    total = 0.0
    for row, t in zip(x, target):
        for j, score in enumerate(row):
            if j != t:
                total += max(0.0, margin - row[t] + score) / len(row)
    return total / len(x)


# ── recurrence and attention ────────────────────────────────────────────────────────────────────────────────


def rnn(x, h0, w_ih, w_hh, b_ih, b_hh):
    """One sequence after the other, one step after the other: h = tanh(W_ih x + b_ih + W_hh h + b_hh)."""
    y = np.empty((len(x), *h0.shape), x.dtype)
    for b in range(x.shape[1]):
        h = h0[b]
        for t in range(len(x)):
            h = np.tanh(w_ih @ x[t, b] + b_ih + w_hh @ h + b_hh)
            y[t, b] = h
    return y


def lstm(x, h0, c0, w_ih, w_hh, b_ih, b_hh):
    """Gates in the order i f g o; the cell forgets and writes, the output gate decides what is shown."""
    y = np.empty((len(x), *h0.shape), x.dtype)
    for b in range(x.shape[1]):
        h, c = h0[b], c0[b]
        for t in range(len(x)):
            i, f, g, o = np.split(w_ih @ x[t, b] + b_ih + w_hh @ h + b_hh, 4)
            c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
            h = _sigmoid(o) * np.tanh(c)
            y[t, b] = h
    return y


def gru(x, h0, w_ih, w_hh, b_ih, b_hh, reset_after=True):
    """Gates in the order r z n; h = (1 − z) n + z h, with the reset after the product (torch) or before it (paper)."""
    w_hr, w_hz, w_hn = np.split(w_hh, 3)
    b_hr, b_hz, b_hn = np.split(b_hh, 3)
    y = np.empty((len(x), *h0.shape), x.dtype)
    for b in range(x.shape[1]):
        h = h0[b]
        for t in range(len(x)):
            from_x = np.split(w_ih @ x[t, b] + b_ih, 3)
            r = _sigmoid(from_x[0] + w_hr @ h + b_hr)
            z = _sigmoid(from_x[1] + w_hz @ h + b_hz)
            n = np.tanh(from_x[2] + (r * (w_hn @ h + b_hn) if reset_after else w_hn @ (r * h) + b_hn))
            h = (1 - z) * n + z * h
            y[t, b] = h
    return y


def _sigmoid(z):
    return 1 / (1 + np.exp(-z))


def attention(q, k, v):
    """Each query (L, E) asks every key (S, E); what it gets is the mean of the values, weighted by the answers."""
    o = np.zeros((len(q), v.shape[1]), q.dtype)
    for l in range(len(q)):
        fit = np.empty(len(k), q.dtype)
        for s in range(len(k)):
            fit[s] = np.exp(q[l] @ k[s] / len(q[l]) ** 0.5)
        for s in range(len(k)):
            o[l] += fit[s] / fit.sum() * v[s]
    return o


def additive_attention(query, keys, values, w_q, w_k, v):
    """The same with score = vᵀ tanh(W_q q + W_k k)."""
    o = np.zeros((len(query), values.shape[1]), query.dtype)
    for l in range(len(query)):
        fit = np.empty(len(keys), query.dtype)
        for s in range(len(keys)):
            fit[s] = np.exp(v @ np.tanh(w_q @ query[l] + w_k @ keys[s]))
        for s in range(len(keys)):
            o[l] += fit[s] / fit.sum() * values[s]
    return o
