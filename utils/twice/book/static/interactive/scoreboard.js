/* The scoreboard: networks between cost and error; choose the cost, pick a network, see who beats it. */

import { ARROWS, choice, clamp, copy, examples, format, h, range, speaker, start } from "./kit.js";

const WIDE = 640, HIGH = 446, LEFT = 46, BOTTOM = 62, TOP = 30, RIGHT = 14;
const ERRORS = [20, 48];

/* The networks than which none is both cheaper and better, from cheap to costly; a row is [name, year, cost, error]. */
export function frontier(rows) {
  const order = range(rows.length).sort((a, b) => rows[a][2] - rows[b][2] || rows[a][3] - rows[b][3]);
  return order.reduce((found, i) => {
    const last = found[found.length - 1];
    return last === undefined || rows[i][3] < rows[last][3] ? [...found, i] : found;
  }, []);
}

/* Those that are cheaper and better than one. */
export const beaten = (rows, i) => range(rows.length).filter(
  (j) => j !== i && rows[j][2] <= rows[i][2] && rows[j][3] <= rows[i][3]);

/* 1, 2, 5, 10, 20 … around the costs. */
export function ticks(costs) {
  const [low, high] = [Math.min(...costs), Math.max(...costs)];
  const powers = range(12).map((i) => i - 5);
  const ladder = powers.flatMap((power) => [1, 2, 5].map((digit) => Number(`${digit}e${power}`)));
  const first = ladder.filter((tick) => tick <= low).length - 1;
  return ladder.slice(first, ladder.findIndex((tick) => tick >= high) + 1);
}

/* Where a name stands: its place, whether it ends there, and the room that it takes. */
function label(name, x, y, below, letter) {
  const width = 0.6 * letter * name.length, end = below || x + width > WIDE;
  return { x: end && !below ? x - 20 : x, y, end, left: end ? x - width : x, right: end ? x : x + width, letter };
}

const overlap = (a, b) => a.left < b.right && b.left < a.right && Math.abs(a.y - b.y) < a.letter;

function sentence(state) {
  const [name, year, cost, error] = state.rows[state.chosen], others = beaten(state.rows, state.chosen);
  const names = others.map((j) => state.rows[j][0]);
  const verdict = names.length
    ? `Cheaper and better: ${names.join(", ")}.`
    : "No other network here is both cheaper and better.";
  return `${name} (${year}): ${format(cost, cost < 10 ? 2 : 0)} ${state.label}, ${format(error, 1)} % errors. ${verdict}`;
}

function build({ live, presets, preset }) {
  let state = copy(presets[preset]);
  const svg = h("svg", { viewBox: `0 0 ${WIDE} ${HIGH}`, "aria-hidden": "true" });
  const view = h("div", { class: "scores" }, svg), speak = speaker();
  const pick = (i) => { state.chosen = i; draw(); };
  const network = choice("network", state.rows.map(([name], i) => [i, name]), state.chosen, (i) => pick(Number(i)));

  function adopt(chosen) {
    state = { ...chosen, chosen: state.chosen };
    draw();
  }

  function scales() {
    const marks = ticks(state.rows.map((row) => row[2])), [low, high] = [marks[0], marks[marks.length - 1]].map(Math.log);
    const across = (cost) => LEFT + ((WIDE - LEFT - RIGHT) * (Math.log(cost) - low)) / (high - low);
    const down = (error) => TOP + ((HIGH - BOTTOM - TOP) * (ERRORS[1] - error)) / (ERRORS[1] - ERRORS[0]);
    return { marks, across, down };
  }

  function draw() {
    const { marks, across, down } = scales(), best = frontier(state.rows), worse = new Set(beaten(state.rows, state.chosen));
    const words = (x, y, said, anchor = "middle", style = "") => h("text", { x, y, "text-anchor": anchor, class: style }, said);
    const upright = marks.map((tick) => [
      h("line", { class: "rule", x1: across(tick), x2: across(tick), y1: TOP, y2: HIGH - BOTTOM }),
      words(across(tick), HIGH - BOTTOM + 26, String(tick)),
    ]);
    const level = range(6).map((i) => 20 + 5 * i).map((error) => words(LEFT - 8, down(error) + (error === ERRORS[0] ? -2 : 5), String(error), "end"));
    const line = h("polyline", { class: "frontier", points: best.map((i) => `${across(state.rows[i][2])},${down(state.rows[i][3])}`).join(" ") });
    const dots = state.rows.map(([name, , cost, error], i) => {
      const kind = i === state.chosen ? "chosen" : worse.has(i) ? "before" : "";
      return h("circle", { class: kind, cx: across(cost), cy: down(error), r: i === state.chosen ? 9 : 7, onclick: () => { network.set(i); pick(i); } },
        h("title", {}, name));
    });
    const letter = live.clientWidth < 600 ? 24 : 15, taken = [];
    const named = [...new Set([state.chosen, ...best, ...worse, ...range(state.rows.length)])].flatMap((i) => {
      const [name, , cost, error] = state.rows[i], [x, y] = [across(cost), down(error)];
      /* Left of and below a network on the line there is nothing but names; others have theirs above. */
      const below = best.includes(i) && x > LEFT + 0.6 * letter * name.length;
      const box = label(name, x + (below ? -10 : 10), y + (below ? 1.1 * letter : -0.7 * letter), below, letter);
      if (i !== state.chosen && taken.some((other) => overlap(box, other))) return [];
      taken.push(box);
      return [words(box.x, box.y, name, box.end ? "end" : "start", i === state.chosen ? "chosen" : "")];
    });
    svg.replaceChildren(...upright.flat(), ...level, line, ...dots, ...named,
      words((WIDE + LEFT) / 2, HIGH - 8, state.label), words(LEFT - 8, TOP - 6, "%", "end"));
    network.set(state.chosen);
    speak.say(sentence(state));
  }

  /* The arrow keys walk along the networks in order of cost. */
  view.tabIndex = 0;
  view.setAttribute("role", "group");
  view.setAttribute("aria-label", "chart; arrow keys go to the next cheaper or costlier network");
  view.addEventListener("keydown", (event) => {
    const step = ARROWS[event.key];
    if (!step) return;
    event.preventDefault();
    const order = range(state.rows.length).sort((a, b) => state.rows[a][2] - state.rows[b][2]);
    const place = order.indexOf(state.chosen) + (step[0] || step[1]);
    pick(order[clamp(place, 0, order.length - 1)]);
  });

  live.append(
    h("div", { class: "bar" }, examples("cost", presets, preset, adopt), network.element), view, speak.element,
    h("p", { class: "size" }, "The line joins the networks that no other beats in both."));
  adopt(state);
  new ResizeObserver(draw).observe(live);
}

start("scoreboard", build);
