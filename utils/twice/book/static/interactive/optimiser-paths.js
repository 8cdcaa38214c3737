/* Paths of optimisers: SGD, momentum, RMSprop and Adam walk down the same surface from the same start. */

import {
  ARROWS, button, clamp, copy, drag, examples, format, h, player, range, slider, speaker, start,
} from "./kit.js";

/* Σ c xⁱ yʲ of terms [c, i, j], and its gradient. */
export const value = (terms, [x, y]) => terms.reduce((sum, [c, i, j]) => sum + c * x ** i * y ** j, 0);
export const gradient = (terms, [x, y]) => [
  terms.reduce((sum, [c, i, j]) => sum + (i ? c * i * x ** (i - 1) * y ** j : 0), 0),
  terms.reduce((sum, [c, i, j]) => sum + (j ? c * j * x ** i * y ** (j - 1) : 0), 0),
];

/* One step in one coordinate: memory m and v, gradient g, step t; where nothing is set, torch's defaults hold. */
export const STEPS = {
  SGD: (p, m, v, g, { rate }) => [p - rate * g, m, v],
  momentum: (p, m, v, g, { rate, momentum }) => {
    const b = momentum * m + g;
    return [p - rate * b, b, v];
  },
  RMSprop: (p, m, v, g, { rate }) => {
    const mean = 0.99 * v + 0.01 * g * g;
    return [p - (rate * g) / (Math.sqrt(mean) + 1e-8), m, mean];
  },
  Adam: (p, m, v, g, { rate }, t) => {
    const [first, second] = [0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g];
    const [unbiased, spread] = [first / (1 - 0.9 ** t), second / (1 - 0.999 ** t)];
    return [p - (rate * unbiased) / (Math.sqrt(spread) + 1e-8), first, second];
  },
};

const FAR = 1e6;

/* The places after 0, 1, … steps; the path ends where it has run away. */
export function path(name, state, steps) {
  let point = [state.x, state.y], memory = [[0, 0], [0, 0]];
  const places = [point];
  for (let t = 1; t <= steps && point.every((p) => Math.abs(p) < FAR); t += 1) {
    const slope = gradient(state.terms, point);
    const moved = point.map((p, axis) => STEPS[name](p, memory[axis][0], memory[axis][1], slope[axis], state, t));
    point = moved.map(([p]) => p);
    memory = moved.map(([, m, v]) => [m, v]);
    places.push(point);
  }
  return places;
}

/* Marching squares: the pieces of the line where f passes `level`, one or two a cell. */
export function contour(heights, level) {
  const pieces = [], cross = (a, b) => (level - a) / (b - a);
  for (let r = 0; r + 1 < heights.length; r += 1) {
    for (let c = 0; c + 1 < heights[0].length; c += 1) {
      const [a, b, d, e] = [heights[r][c], heights[r][c + 1], heights[r + 1][c + 1], heights[r + 1][c]];
      const points = [];
      if (a < level !== b < level) points.push([c + cross(a, b), r]);
      if (b < level !== d < level) points.push([c + 1, r + cross(b, d)]);
      if (e < level !== d < level) points.push([c + cross(e, d), r + 1]);
      if (a < level !== e < level) points.push([c, r + cross(a, e)]);
      for (let i = 0; i + 1 < points.length; i += 2) pieces.push([points[i], points[i + 1]]);
    }
  }
  return pieces;
}

const WIDE = 640, CELLS = 192, MOST_STEPS = 300, NAMES = Object.keys(STEPS);
const DIGITS = [1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9], POWERS = [-4, -3, -2, -1];
const MARKS = {
  SGD: "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z", momentum: "M-5-5h10v10h-10z", RMSprop: "M0-7l7 7-7 7-7-7z",
  Adam: "M0-7l7 12h-14z",
};

/* The learning rates of the slider, with the one that a page begins with. */
function ladder(rate) {
  const rates = POWERS.flatMap((power) => DIGITS.map((digit) => Number(`${digit}e${power}`)));
  return [...new Set([...rates, 1, rate])].sort((a, b) => a - b);
}

function contours({ terms, span: [left, right, bottom, top], levels }) {
  const rows = Math.round((CELLS * (top - bottom)) / (right - left)), size = WIDE / CELLS;
  const across = (c) => left + ((right - left) * c) / CELLS, up = (r) => top - ((top - bottom) * r) / rows;
  const heights = range(rows + 1).map((r) => range(CELLS + 1).map((c) => value(terms, [across(c), up(r)])));
  const place = (point) => point.map((p) => (p * size).toFixed(1)).join(" ");
  const line = (level) => contour(heights, level).map(([from, to]) => `M${place(from)}L${place(to)}`).join("");
  return levels.map((level) => h("path", { class: "contour", d: line(level) }));
}

function build({ live, presets, preset }) {
  let state = copy(presets[preset]), rates = ladder(state.rate), height = 0;
  const hidden = new Set(), speak = speaker(), formula = h("p", { class: "size" });
  const surface = h("g"), lines = h("g"), svg = h("svg", { "aria-hidden": "true" }, surface, lines);
  const handle = button("", () => {}, { class: "handle" }), view = h("div", { class: "view surface" }, svg, handle);
  const cells = Object.fromEntries(NAMES.map((name) => [name, range(3).map(() => h("td"))]));
  const heads = ["optimiser", "x", "y", "f(x, y)"].map((words) => h("th", { scope: "col" }, words));
  const table = h("table", {},
    h("thead", {}, h("tr", {}, heads)),
    h("tbody", {}, NAMES.map((name) => h("tr", { class: name }, legend(name), cells[name]))));
  const edit = (change) => (to) => { change(to); draw(); };
  const controls = {
    steps: slider("steps", 0, MOST_STEPS, 0, edit((steps) => { play.stop(); state.steps = steps; })),
    rate: slider("learning rate ε", 0, 1, 0, edit((at) => { state.rate = rates[at]; }), (at) => String(rates[at])),
    momentum: slider("momentum μ", 0, 0.99, 0, edit((momentum) => { state.momentum = momentum; }), format, 0.01),
  };

  function legend(name) {
    const sign = { viewBox: "-8 -8 16 16", class: `sign ${name}`, "aria-hidden": "true" };
    const box = h("input", { type: "checkbox", checked: true, onchange: () => {
      hidden[box.checked ? "delete" : "add"](name);
      draw();
    } });
    return h("th", { scope: "row" }, h("label", {}, box, h("svg", sign, h("path", { d: MARKS[name] })), name));
  }

  function adopt(chosen) {
    state = chosen;
    rates = ladder(state.rate);
    controls.steps.set(state.steps);
    controls.rate.set(rates.indexOf(state.rate), rates.length - 1);
    controls.momentum.set(state.momentum);
    const [left, right, bottom, top] = state.span;
    height = (WIDE * (top - bottom)) / (right - left);
    svg.setAttribute("viewBox", `0 0 ${WIDE} ${height}`);
    surface.replaceChildren(...contours(state));
    formula.textContent = `f(x, y) = ${state.formula}`;
    draw();
  }

  function go(steps) {
    state.steps = clamp(steps, 0, MOST_STEPS);
    controls.steps.set(state.steps);
    draw();
  }
  let until = 0;
  const play = player(
    () => { until = state.steps || until || presets[preset].steps; go(0); },
    () => { go(state.steps + 1); return state.steps < until; },
    80,
    draw,
  );

  const pixel = ([x, y]) => {
    const [left, right, bottom, top] = state.span;
    return [((x - left) / (right - left)) * WIDE, ((top - y) / (top - bottom)) * height];
  };
  function place(x, y) {
    const [left, right, bottom, top] = state.span;
    const within = (p, low, high) => Number(clamp(p, low, high).toFixed(3));
    Object.assign(state, { x: within(x, left, right), y: within(y, bottom, top) });
    draw();
  }
  /* The start follows the finger on its handle; a press elsewhere brings it there. */
  function follow({ clientX, clientY }) {
    const box = svg.getBoundingClientRect(), [left, right, bottom, top] = state.span;
    const [across, down] = [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
    handle.focus({ preventScroll: true });
    place(left + across * (right - left), top - down * (top - bottom));
  }
  drag(handle, follow);
  view.addEventListener("click", (event) => { if (event.target !== handle) follow(event); });
  handle.addEventListener("keydown", (event) => {
    const way = ARROWS[event.key];
    if (!way) return;
    event.preventDefault();
    event.stopPropagation();
    const by = event.shiftKey ? 0.01 : 0.1;
    place(state.x + way[1] * by, state.y - way[0] * by);
  });

  function drawPath(name, places) {
    const visible = (point) => pixel(point).map((p) => clamp(p, -WIDE, 2 * WIDE).toFixed(1));
    const larger = Math.max(1, WIDE / (svg.clientWidth || WIDE)), end = visible(places.at(-1)).join(" ");
    return h("g", { class: `path ${name}` },
      h("polyline", { points: places.map((point) => visible(point).join(",")).join(" ") }),
      h("path", { d: MARKS[name], transform: `translate(${end}) scale(${larger})` }));
  }

  /* Where the optimiser stands, in the table and in words. */
  function tell(name, places) {
    const end = places.at(-1), lost = !end.every((p) => Math.abs(p) < FAR), f = value(state.terms, end);
    [...end, f].forEach((number, i) => {
      cells[name][i].dataset.value = number;
      cells[name][i].textContent = lost ? "ran away" : format(number, 3);
    });
    return `${name} ${lost ? "ran away" : format(f, 3)}`;
  }

  function draw() {
    const walked = NAMES.map((name) => [name, path(name, state, state.steps)]);
    lines.replaceChildren(...walked.filter(([name]) => !hidden.has(name)).map((one) => drawPath(...one)));
    const [x, y] = pixel([state.x, state.y]), from = `(${format(state.x)}, ${format(state.y)})`;
    Object.assign(handle.style, { left: `${(100 * x) / WIDE}%`, top: `${(100 * y) / height}%` });
    handle.setAttribute("aria-label", `start at ${from}: the arrow keys move it`);
    const told = walked.map((one) => tell(...one));
    if (!play.running()) speak.say(`After ${state.steps} steps from ${from}, f is: ${told.join(", ")}.`);
  }

  live.append(
    h("div", { class: "bar" },
      examples("surface", presets, preset, (chosen) => { play.stop(); until = 0; adopt(chosen); }),
      button("One step", () => { play.stop(); go(state.steps + 1); }),
      play.element,
      button("Restart", () => { play.stop(); go(0); })),
    formula, view,
    h("div", { class: "controls" }, Object.values(controls).map(({ element }) => element)),
    table, speak.element,
  );
  adopt(state);
}

start("optimiser-paths", build);
