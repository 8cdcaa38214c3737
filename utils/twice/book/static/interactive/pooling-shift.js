/* Pooling and shifts: how much of the output changes when the image moves. */

import { choice, clamp, copy, drag, examples, format, h, panel, range, slider, speaker, start } from "./kit.js";
import { grid, shares } from "./grid.js";

/* The image shifted, with zeros coming in. */
export function moved(image, down, right) {
  return image.map((line, r) => line.map((_, c) => image[r - down]?.[c - right] ?? 0));
}

const REDUCE = {
  max: (values) => Math.max(...values),
  mean: (values) => values.reduce((a, b) => a + b, 0) / values.length,
};

/* Windows of `window` every `stride`; a signal (one row) is pooled along its length alone. */
export function pooled(image, { pool, window, stride }) {
  if (pool === "none") return image;
  const [size, step] = image.length > 1 ? [window, stride] : [1, 1];
  const count = (n, f, s) => Math.max(Math.floor((n - f) / s) + 1, 0);
  const [rows, columns] = [count(image.length, size, step), count(image[0].length, window, stride)];
  const part = (line, c) => line.slice(c * stride, c * stride + window);
  const under = (r, c) => image.slice(r * step, r * step + size).flatMap((line) => part(line, c));
  return columns ? range(rows).map((r) => range(columns).map((c) => REDUCE[pool](under(r, c)))) : [];
}

/* Σ|y′ − y| / Σ(|y| + |y′|): 0 where nothing changes, 1 where nothing stays. */
export function change(before, after) {
  const [a, b] = [before.flat(), after.flat()];
  const whole = a.reduce((sum, value, i) => sum + Math.abs(value) + Math.abs(b[i]), 0);
  return whole ? a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / whole : 0;
}

const POOLS = { none: "none", max: "maximum", mean: "mean" };
const FARTHEST = 4;

/* The change for each pooling and each shift to the right, with the present window, stride and shift downwards. */
export function curves(state) {
  const right = range(FARTHEST + 1);
  const line = (pool) => right.map((by) => {
    const one = { ...state, pool };
    return change(pooled(state.image, one), pooled(moved(state.image, state.down, by), one));
  });
  return Object.fromEntries(Object.keys(POOLS).map((pool) => [pool, line(pool)]));
}

const CHART = { wide: 340, high: 190, left: 54, right: 252, top: 14, bottom: 150 };
const x = (by) => CHART.left + ((CHART.right - CHART.left) * by) / FARTHEST;
const y = (share) => CHART.bottom - (CHART.bottom - CHART.top) * share;

/* Names at the ends of their lines, pushed apart where they would meet. */
function spread(heights) {
  const order = Object.keys(heights).sort((a, b) => heights[a] - heights[b]);
  order.forEach((name, i) => { if (i) heights[name] = Math.max(heights[name], heights[order[i - 1]] + 16); });
  return heights;
}

function chart(state) {
  const lines = curves(state), heights = Object.entries(lines).map(([pool, line]) => [pool, y(line.at(-1)) + 5]);
  const ends = spread(Object.fromEntries(heights));
  const tick = (share) => [
    h("line", { class: "tick", x1: CHART.left, x2: CHART.right, y1: y(share), y2: y(share) }),
    h("text", { x: CHART.left - 6, y: y(share) + 5, "text-anchor": "end" }, `${100 * share} %`),
  ];
  const below = (words, at, by) => h("text", { x: at, y: CHART.bottom + by, "text-anchor": "middle" }, words);
  const line = ([pool, shares]) => {
    const now = pool === state.pool, radius = (by) => (now && by === state.right ? 6 : 3);
    return h("g", { class: `line ${pool}${now ? " now" : ""}` },
      h("polyline", { points: shares.map((share, by) => `${x(by)},${y(share)}`).join(" ") }),
      shares.map((share, by) => h("circle", { cx: x(by), cy: y(share), r: radius(by) })),
      h("text", { x: CHART.right + 10, y: ends[pool] }, POOLS[pool]));
  };
  return h("svg", { viewBox: `0 0 ${CHART.wide} ${CHART.high}`, class: "chart", "aria-hidden": "true" },
    [0, 0.5, 1].map(tick),
    range(FARTHEST + 1).map((by) => below(by, x(by), 18)),
    below("shift to the right", (CHART.left + CHART.right) / 2, 35),
    Object.entries(lines).map(line));
}

const NAMES = ["image", "shifted", "pooled", "shifted, then pooled"];
const RULE = "How much changes: Σ|y′ − y| / Σ(|y| + |y′|), with y before and y′ after the shift.";

/* ".25" where "0.25" would not fit. */
const short = (value) => format(value).replace(/^(−?)0\./, "$1.");

function sentence(state, before, after) {
  const values = before.flat(), differ = values.filter((value, i) => value !== after.flat()[i]).length;
  const percent = (share) => `${format(100 * share, 0)}\u00a0%`;
  const input = percent(change(state.image, moved(state.image, state.down, state.right)));
  const down = state.image.length > 1 ? ` and ${format(state.down)} down` : "";
  return `Shifted by ${format(state.right)} to the right${down}: the image changes by ${input}, `
    + `the output by ${percent(change(before, after))}; ${differ} of its ${values.length} numbers differ.`;
}

function build({ live, presets, preset }) {
  let state = copy(presets[preset]);
  const edit = (act) => (value) => { act(value); draw(); };
  const grids = NAMES.map((name) => grid(name)), panels = grids.map((one) => panel(one.element));
  const row = h("div", { class: "four" }, panels.map(({ element }) => element));
  const plot = h("div", { class: "plot" }), speak = speaker();
  const pooling = choice("pooling", Object.entries(POOLS), "max", edit((pool) => { state.pool = pool; }));
  const controls = {
    right: slider("shift right", -FARTHEST, FARTHEST, 0, edit((right) => { state.right = right; }), format),
    down: slider("shift down", -FARTHEST, FARTHEST, 0, edit((down) => { state.down = down; }), format),
    window: slider("window", 1, 4, 2, edit((window) => { state.window = window; })),
    stride: slider("stride", 1, 4, 2, edit((stride) => { state.stride = stride; })),
  };

  function adopt(chosen) {
    state = chosen;
    pooling.set(state.pool);
    for (const key of Object.keys(controls)) controls[key].set(state[key]);
    draw();
  }

  /* The shifted image follows the finger, pixel by pixel. */
  let grip;
  drag(grids[1].element, ({ clientX, clientY }, pressed) => {
    const pixel = grids[1].element.clientWidth / state.image[0].length;
    const place = [clientX / pixel, clientY / pixel];
    if (pressed) grip = [state.right - place[0], state.down - place[1]];
    const to = (axis) => clamp(Math.round(grip[axis] + place[axis]), -FARTHEST, FARTHEST);
    adopt({ ...state, right: to(0), down: state.image.length > 1 ? to(1) : 0 });
  });

  function drawGrids(shown) {
    const small = state.image[0].length > 8 && state.image.length > 1;
    shown.forEach((values, i) => {
      const tint = shares(values), silent = small && (i < 2 || state.pool === "none");
      const differs = (r, c) => i === 3 && values[r][c] !== shown[2][r][c];
      grids[i].show("plain", values, (r, c) => ({
        words: silent ? "" : short(values[r][c]), share: tint(r, c), class: differs(r, c) ? "differs" : "",
      }));
      panels[i].title(`${NAMES[i]} ${values.length}×${values[0]?.length ?? 0}`);
    });
    row.classList.toggle("stacked", state.image.length === 1);
  }

  function draw() {
    const images = [state.image, moved(state.image, state.down, state.right)];
    const outputs = images.map((image) => pooled(image, state));
    drawGrids([...images, ...outputs]);
    plot.replaceChildren(chart(state));
    controls.down.element.hidden = state.image.length === 1;
    for (const key of ["window", "stride"]) controls[key].element.hidden = state.pool === "none";
    speak.say(outputs[0].length
      ? sentence(state, ...outputs)
      : "The window is larger than the image: there is no output.");
  }

  live.append(
    h("div", { class: "bar" }, examples("example", presets, preset, adopt), pooling.element),
    row,
    h("div", { class: "controls" }, Object.values(controls).map(({ element }) => element)),
    speak.element,
    h("p", { class: "size" }, RULE),
    plot,
  );
  adopt(state);
}

start("pooling-shift", build);
