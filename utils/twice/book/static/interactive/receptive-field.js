/* The receptive field: which inputs a unit on top of a stack of layers sees, in one dimension or in two. */

import { button, choice, clamp, copy, drag, examples, format, h, range, slider, speaker, start } from "./kit.js";

/* Size, field, jump and start of the input and of each layer.
 * Unit i sees the inputs from start + i·jump to start + i·jump + field − 1. */
export function trace(size, layers) {
  const rows = [{ size, field: 1, jump: 1, start: 0 }];
  for (const { kernel, stride, padding, dilation } of layers) {
    const below = rows.at(-1), reach = dilation * (kernel - 1);
    rows.push({
      size: Math.max(Math.floor((below.size + 2 * padding - reach - 1) / stride) + 1, 0),
      field: below.field + reach * below.jump,
      jump: below.jump * stride,
      start: below.start - padding * below.jump,
    });
  }
  return rows;
}

/* How many paths lead from each unit below to unit i on top: a Map for the input and for each layer. */
export function paths(layers, unit) {
  const seen = [new Map([[unit, 1]])];
  for (const { kernel, stride, padding, dilation } of [...layers].reverse()) {
    const below = new Map();
    for (const [i, count] of seen[0]) {
      for (const tap of range(kernel)) {
        const at = i * stride - padding + tap * dilation;
        below.set(at, (below.get(at) ?? 0) + count);
      }
    }
    seen.unshift(below);
  }
  return seen;
}

const most = (seen) => Math.max(...seen.values());
const ends = (seen) => [Math.min(...seen.keys()), Math.max(...seen.keys())];

/* Where things stand in the drawings: inputs from `left` on, `scale` each; the two maps, and their top edge. */
const layout = ({ narrow, size }) => (narrow
  ? { wide: 360, left: 92, scale: 262 / size, input: [8, 216], top: [240, 112] }
  : { wide: 640, left: 104, scale: 526 / size, input: [50, 340], top: [460, 150] });
const EDGE = 40;

const HALF = 7;
const bar = (low, high, y, look) => h("rect", { x: low, y: y - HALF, width: high - low, height: 2 * HALF, ...look });

/* The stack in one dimension: each unit stands above the middle of what it sees. */
export function drawStack(state, rows, seen) {
  const { wide, left, scale } = layout(state), step = rows.length > 9 ? 24 : 40;
  const y = (depth) => 16 + (rows.length - 1 - depth) * step;
  const edge = (depth, i, side) => {
    const { start, jump, field } = rows[depth];
    return left + scale * (start + i * jump + field / 2 + 0.45 * side * jump);
  };
  const box = (depth, first, last, look) => bar(edge(depth, first, -1), edge(depth, last, 1), y(depth), look);
  const units = ({ jump, size }, depth) => (jump * scale < 4
    ? box(depth, 0, size - 1)
    : range(size).map((i) => box(depth, i, i, { rx: 1 })));
  const shade = (depth, count) => (depth ? 0.85 : 0.3 + (0.7 * count) / most(seen[0]));
  const mark = (depth, i, count) => box(depth, i, i, {
    class: i < 0 || i >= rows[depth].size ? "seen padding" : "seen", opacity: shade(depth, count),
  });
  const corner = (side) => (part, depth) => [edge(depth, ends(part)[side > 0 ? 1 : 0], side), y(depth)].join(",");
  const cone = [...seen.map(corner(-1)), ...seen.map(corner(1)).reverse()];
  const name = (depth) => (depth ? state.layers[depth - 1].name : "input");
  return h("svg", { viewBox: `0 0 ${wide} ${y(0) + 16}`, "aria-hidden": "true" },
    h("polygon", { class: "cone", points: cone.join(" ") }),
    rows.map((one, depth) => h("g", { class: "units" }, units(one, depth))),
    seen.map((part, depth) => [...part].map(([i, count]) => mark(depth, i, count))),
    rows.map(({ size }, depth) => h("text", { x: 0, y: y(depth) + 5 }, `${name(depth)} (${size})`)));
}

/* One square map of units, what is seen of it, and a name. */
function map(name, [x, side], { size }, [rows, columns]) {
  const cell = side / size, fine = size <= 40;
  const square = (top, left, bottom, right, look) => h("rect", {
    x: x + left * cell,
    y: EDGE + top * cell,
    width: (right - left + 1) * cell,
    height: (bottom - top + 1) * cell,
    ...look,
  });
  const line = (i) => [
    h("line", { x1: x + i * cell, x2: x + i * cell, y1: EDGE, y2: EDGE + side }),
    h("line", { x1: x, x2: x + side, y1: EDGE + i * cell, y2: EDGE + i * cell }),
  ];
  const inside = (part) => [...part].filter(([i]) => i >= 0 && i < size), strongest = most(rows) * most(columns);
  const tint = ([r, a], [c, b]) => square(r, c, r, c, { class: "seen", opacity: 0.2 + (0.6 * a * b) / strongest });
  const [top, bottom] = ends(rows), [left, right] = ends(columns);
  return [
    h("text", { x: x + side / 2, y: 14, "text-anchor": "middle" }, `${name} ${size}×${size}`),
    h("g", { class: "map" },
      square(0, 0, size - 1, size - 1),
      fine ? inside(rows).map((r) => inside(columns).map((c) => tint(r, c))) : [],
      fine ? range(size - 1).map((i) => line(i + 1)) : []),
    square(top, left, bottom, right, { class: "window" }),
  ];
}

/* Input and top of the stack as maps; what is seen beyond the edge of the input is padding. */
export function drawMaps(state, rows, seen) {
  const { wide, input, top } = layout(state), name = state.layers.at(-1)?.name ?? "input";
  return h("svg", { viewBox: `0 0 ${wide} ${input[1] + 2 * EDGE}`, "aria-hidden": "true" },
    map("input", input, rows[0], [seen.rows[0], seen.columns[0]]),
    map(name, top, rows.at(-1), [seen.rows.at(-1), seen.columns.at(-1)]));
}

/* "field 5 = 3 + 1·(3 − 1)·1": the recurrence with its numbers. */
export function recurrence(below, above, { kernel, stride, padding, dilation }) {
  return [
    `field ${below.field} + ${dilation}·(${kernel} − 1)·${below.jump} = ${above.field}`,
    `jump ${below.jump}·${stride} = ${above.jump}`,
    `start ${format(below.start)} − ${padding}·${below.jump} = ${format(above.start)}`,
  ].join(", ");
}

const CHOICES = {
  kernel: [1, 2, 3, 4, 5, 7, 9, 11], stride: [1, 2, 3, 4], padding: [0, 1, 2, 3, 4, 5], dilation: [1, 2, 3, 4, 8],
};
const MOST_LAYERS = 24;
const RULE = "Each layer from the one below: field + dilation·(kernel − 1)·jump, jump·stride, start − padding·jump.";

/* What the chosen unit sees, in words. */
export function sentence(state, rows) {
  const { size, start, jump, field } = rows.at(-1);
  if (!size) return "The stack does not fit: no unit is left on top. Take a larger input or fewer layers.";
  const ends = (unit) => [start + unit * jump, start + unit * jump + field - 1];
  const span = (unit) => ends(unit).map((i) => format(i)).join(" to ");
  const outside = (unit) => ends(unit)[0] < 0 || ends(unit)[1] >= state.size;
  const flat = state.view === "1-D", units = flat ? [state.column] : [state.row, state.column];
  const where = flat ? `inputs ${span(state.column)}` : `rows ${span(state.row)} and columns ${span(state.column)}`;
  const area = flat ? field : `${field}×${field}`, padding = units.some(outside) ? ", partly padding" : "";
  return `Unit ${units.join(", ")} on top sees ${where}: a field of ${area}${padding}.`;
}

function build({ live, presets, preset }) {
  let state = copy(presets[preset]), rows = [];
  const view = h("div", { class: "view" }), table = h("ol", { class: "layers" });
  const weights = h("p", { class: "size" }), speak = speaker(), narrow = matchMedia("(max-width: 600px)");
  const edit = (change) => (value) => { change(value); draw(); };
  const controls = {
    column: slider("unit, column", 0, 1, 0, edit((column) => { state.column = column; })),
    row: slider("unit, row", 0, 1, 0, edit((row) => { state.row = row; })),
    size: slider("input", 8, 256, 15, edit((size) => { state.size = size; })),
  };
  const views = [["1-D", "1-D"], ["2-D", "2-D"]];
  const drawing = choice("drawing", views, "1-D", edit((chosen) => { state.view = chosen; }));
  const add = button("Add a layer", () => {
    const name = `conv${state.layers.length + 1}`;
    state.layers.push({ name, kernel: 3, stride: 1, padding: 0, dilation: 1, weights: true });
    relist(`${name} added on top.`);
  });

  function adopt(chosen) {
    state = chosen;
    controls.size.set(state.size);
    drawing.set(state.view);
    relist("");
  }

  function remove(at) {
    const [{ name }] = state.layers.splice(at, 1);
    relist(`${name} removed.`);
    (table.children[Math.min(at, state.layers.length - 1)]?.querySelector("button") ?? add).focus();
  }

  /* One line a layer, from the input upwards: what can be chosen, and what follows from it. */
  function relist(news) {
    table.replaceChildren(...state.layers.map((layer, at) => h("li", {},
      h("span", { class: "layer" }, layer.name),
      Object.keys(CHOICES).map((key) => chooser(layer, key)),
      button("×", () => remove(at), { "aria-label": `remove ${layer.name}`, class: "remove" }),
      h("span", { class: "follows" }),
    )));
    add.disabled = state.layers.length >= MOST_LAYERS;
    draw();
    speak.say(`${news} ${sentence(state, rows)}`.trim());
  }

  function chooser(layer, key) {
    const values = [...new Set([...CHOICES[key], layer[key]])].sort((a, b) => a - b);
    const change = edit((value) => { layer[key] = Number(value); });
    return choice(key, values.map((value) => [value, value]), layer[key], change, `${layer.name} ${key}`).element;
  }

  /* The unit on top nearest to the finger. */
  function follow({ clientX, clientY }) {
    const matrix = view.firstElementChild?.getScreenCTM();
    if (!matrix) return;
    const point = new DOMPoint(clientX, clientY).matrixTransform(matrix.inverse());
    const above = rows.at(-1), { left, scale, top: [x, side] } = layout(state);
    if (state.view === "2-D") {
      const unit = (distance) => Math.floor((distance / side) * above.size);
      Object.assign(state, { column: unit(point.x - x), row: unit(point.y - EDGE) });
    } else {
      state.column = Math.round(((point.x - left) / scale - above.start - above.field / 2) / above.jump);
    }
    draw();
  }

  function picture() {
    const columns = paths(state.layers, state.column);
    if (state.view === "1-D") return drawStack(state, rows, columns);
    return drawMaps(state, rows, { rows: paths(state.layers, state.row), columns });
  }

  function draw() {
    rows = trace(state.size, state.layers);
    state.narrow = narrow.matches;
    const last = Math.max(rows.at(-1).size - 1, 0);
    for (const axis of ["row", "column"]) {
      state[axis] = clamp(state[axis], 0, last);
      controls[axis].set(state[axis], last);
    }
    controls.row.element.hidden = state.view === "1-D";
    view.replaceChildren(...(rows.every(({ size }) => size > 0) ? [picture()] : []));
    state.layers.forEach((layer, at) => {
      const follows = recurrence(rows[at], rows[at + 1], layer);
      table.children[at].lastElementChild.textContent = `size ${rows[at + 1].size}, ${follows}`;
    });
    const squares = state.layers.reduce((sum, { kernel, weights }) => sum + (weights ? kernel * kernel : 0), 0);
    weights.textContent = `With C channels everywhere, the convolutions have ${squares} C² weights.`;
    speak.say(sentence(state, rows));
  }

  drag(view, follow);
  narrow.addEventListener("change", draw);
  live.append(
    h("div", { class: "bar" }, examples("example", presets, preset, adopt), drawing.element),
    view, speak.element,
    h("div", { class: "controls" }, Object.values(controls).map(({ element }) => element)),
    h("p", { class: "size" }, RULE),
    table, h("div", { class: "bar" }, add), weights,
  );
  adopt(state);
}

start("receptive-field", build);
