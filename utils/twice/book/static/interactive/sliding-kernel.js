/* The sliding kernel: every product under the window, and their sum. */

import {
  button, choice, clamp, copy, drag, examples, format, h, panel, player, range, slider, speaker, start,
} from "./kit.js";
import { grid, shares } from "./grid.js";

/* The image with its border: zeros, or the nearest pixel. */
export function pad(image, [rows, columns], mode) {
  const [height, width] = [image.length, image[0].length];
  const pixel = (r, c) => (mode === "replicate"
    ? image[clamp(r, 0, height - 1)][clamp(c, 0, width - 1)]
    : image[r]?.[c] ?? 0);
  return range(height + 2 * rows).map((r) => range(width + 2 * columns).map((c) => pixel(r - rows, c - columns)));
}

/* What lies under the kernel, times the kernel, number by number. */
export function products(padded, kernel, [top, left]) {
  return kernel.map((line, u) => line.map((weight, v) => padded[top + u][left + v] * weight));
}

const total = (values) => values.flat().reduce((sum, value) => sum + value, 0);

/* (N + 2P − F)/S + 1, not yet rounded down; N is the padded size where P is not given. */
export const places = (n, f, s, p = 0) => (n + 2 * p - f) / s + 1;

export function correlate(padded, kernel, [down, right], bias) {
  const rows = Math.floor(places(padded.length, kernel.length, down));
  const columns = Math.floor(places(padded[0].length, kernel[0].length, right));
  if (Math.min(rows, columns) < 1) return [];
  const sum = (r, c) => total(products(padded, kernel, [r * down, c * right])) + bias;
  return range(rows).map((r) => range(columns).map((c) => sum(r, c)));
}

/* All that follows from what the reader has set. A signal is an image of one row: nothing moves or pads downwards. */
export function derive(state) {
  const flat = state.image.length === 1, { kernel } = state;
  const border = [flat ? 0 : state.padding, state.padding], steps = [flat ? 1 : state.stride, state.stride];
  const padded = pad(state.image, border, state.mode), sums = correlate(padded, kernel, steps, state.bias);
  const size = [sums.length, sums[0]?.length ?? 0];
  const [row, column] = [state.row, state.column].map((at, axis) => clamp(at, 0, Math.max(size[axis] - 1, 0)));
  const corner = [row * steps[0], column * steps[1]];
  const seen = (length, axis) => (sums.length ? (size[axis] - 1) * steps[axis] + length : 0);
  const reach = [kernel.length, kernel[0].length].map(seen);
  return { flat, border, padded, sums, row, column, corner, reach };
}

/* A grid of another size keeps the numbers that fit. */
const resized = (values, rows, columns) => range(rows).map((r) => range(columns).map((c) => values[r]?.[c] ?? 0));
const bracketed = (value) => (value < 0 ? `(${format(value)})` : format(value));
const shape = (values) => `${values.length}×${values[0]?.length ?? 0}`;

/* "(5 + 2·0 − 3)/1 + 1 = 3", and what it means where it is no whole number. */
export function sizeSentence(n, f, s, p) {
  if (n + 2 * p < f) return "The kernel does not fit: it is larger than the image with its border.";
  const exact = places(n, f, s, p);
  const sentence = `Output size (N + 2P − F)/S + 1 = (${n} + 2·${p} − ${f})/${s} + 1 = ${format(exact)}`;
  if (Number.isInteger(exact)) return `${sentence}.`;
  const end = `the hatched end of ${(n + 2 * p - f) % s} is never seen`;
  return `${sentence}: this stride does not fit. Rounded down it is ${Math.floor(exact)}; ${end}.`;
}

/* "1·1" for each place of the window. */
function factors(padded, kernel, [top, left]) {
  const factor = (weight, u, v) => `${bracketed(padded[top + u][left + v])}·${bracketed(weight)}`;
  return kernel.map((line, u) => line.map((weight, v) => factor(weight, u, v)));
}

const HINT = "Press or type into the image and the kernel to change them. "
  + "Press, drag or walk with the arrow keys over the output.";

function build({ live, presets, preset }) {
  let state = copy(presets[preset]), now = derive(state);

  const edit = (change) => (...values) => { change(...values); draw(); };
  const image = grid("image", edit((row, column, value) => { state.image[row][column] = value; }));
  const kernel = grid("kernel", edit((row, column, value) => { state.kernel[row][column] = value; }));
  const terms = grid("products");
  const output = grid("output: choose a place", edit((row, column) => Object.assign(state, { row, column })));
  const frame = h("div", { class: "frame" });
  const panels = {
    image: panel(h("div", { class: "framed" }, image.element, frame)),
    kernel: panel(kernel.element),
    terms: panel(terms.element),
    output: panel(output.element),
  };
  const sum = h("p", { class: "sum" }), size = h("p", { class: "size" }), speak = speaker();

  const sideways = (n) => (now.flat ? 1 : n);
  const borders = [["zero", "zeros"], ["replicate", "nearest pixel"]];
  const controls = {
    n: slider("image N", 3, 8, 5, edit((n) => { state.image = resized(state.image, sideways(n), n); })),
    f: slider("kernel F", 1, 5, 3, edit((f) => { state.kernel = resized(state.kernel, sideways(f), f); })),
    stride: slider("stride S", 1, 4, 1, edit((stride) => { state.stride = stride; })),
    padding: slider("padding P", 0, 2, 0, edit((padding) => { state.padding = padding; })),
    bias: slider("bias", -5, 5, 0, edit((bias) => { state.bias = bias; }), format, 0.1),
    mode: choice("border", borders, "zero", edit((mode) => { state.mode = mode; })),
  };

  function adopt(chosen) {
    state = chosen;
    for (const key of ["stride", "padding", "bias", "mode"]) controls[key].set(state[key]);
    controls.n.set(state.image[0].length);
    controls.f.set(state.kernel[0].length);
    draw();
  }

  /* To the next place of the output; false at the last one. */
  function next() {
    const width = now.sums[0]?.length ?? 1, count = now.sums.length * width || 1;
    const here = (now.row * width + now.column + 1) % count;
    Object.assign(state, { row: Math.floor(here / width), column: here % width });
    draw();
    return here + 1 < count;
  }
  const play = player(edit(() => Object.assign(state, { row: 0, column: 0 })), next, 700);

  drag(output.element, (event) => {
    play.stop();
    const cell = document.elementFromPoint(event.clientX, event.clientY)?.closest("[data-row]");
    if (cell && output.element.contains(cell)) output.focus(Number(cell.dataset.row), Number(cell.dataset.column));
  });

  function drawImage() {
    const [above, left] = now.border, tint = shares(now.padded);
    const inside = (r, c) => state.image[r - above]?.[c - left] !== undefined;
    const unused = (r, c) => r >= now.reach[0] || c >= now.reach[1];
    image.show(
      (r, c) => (inside(r, c) ? (state.toggles ? "toggle" : "number") : "plain"),
      now.padded,
      (r, c) => ({ class: (inside(r, c) ? "" : "outside ") + (unused(r, c) ? "unused" : ""), share: tint(r, c) }),
      now.border,
    );
    panels.image.title(`image ${shape(state.image)}${state.padding ? `, with border ${shape(now.padded)}` : ""}`);
  }

  /* The window lies over the image as a frame. */
  function drawFrame() {
    const [height, width] = [now.padded.length, now.padded[0].length];
    const share = (part, whole) => `${(100 * part) / whole}%`;
    frame.hidden = !now.sums.length;
    Object.assign(frame.style, {
      top: share(now.corner[0], height), left: share(now.corner[1], width),
      height: share(state.kernel.length, height), width: share(state.kernel[0].length, width),
    });
  }

  function drawSums() {
    const tint = shares(now.sums), here = (r, c) => r === now.row && c === now.column;
    output.show("pick", now.sums, (r, c) => ({
      chosen: here(r, c), class: here(r, c) ? "here" : "", share: tint(r, c),
    }));
    panels.output.title(`output ${shape(now.sums)}`);
    const window = now.sums.length ? [now.padded, state.kernel, now.corner] : [[], [], []];
    const words = factors(...window), bias = state.bias ? ` + ${bracketed(state.bias)} (bias)` : "";
    terms.show("plain", products(...window), (r, c) => ({ above: words[r][c] }));
    sum.textContent = now.sums.length
      ? `${words.flat().join(" + ")}${bias} = ${format(now.sums[now.row][now.column])}`
      : "";
  }

  function draw() {
    now = derive(state);
    Object.assign(state, { row: now.row, column: now.column });
    drawImage();
    const tint = shares(state.kernel);
    kernel.show("number", state.kernel, (r, c) => ({ share: tint(r, c) }));
    panels.kernel.title(`kernel ${shape(state.kernel)}`);
    drawFrame();
    drawSums();
    size.textContent = sizeSentence(state.image[0].length, state.kernel[0].length, state.stride, state.padding);
    const place = `Output row ${now.row + 1}, column ${now.column + 1}`;
    speak.say(now.sums.length
      ? `${place}: the products ${state.bias ? "and the bias " : ""}add up to ${format(now.sums[now.row][now.column])}.`
      : size.textContent);
  }

  panels.terms.title("products");
  live.append(
    h("div", { class: "bar" },
      examples("example", presets, preset, (chosen) => { play.stop(); adopt(chosen); }),
      button("Next place", () => { play.stop(); next(); }),
      play.element),
    h("p", { class: "hint" }, HINT),
    h("div", { class: "panels" }, panels.image.element,
      h("div", { class: "panels rest" }, panels.kernel.element, panels.terms.element, panels.output.element)),
    sum, size, speak.element,
    h("div", { class: "controls" }, Object.values(controls).map(({ element }) => element)),
  );
  adopt(state);
}

start("sliding-kernel", build);
