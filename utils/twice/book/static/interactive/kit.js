/* What the interactive figures share: elements, controls, and words for those who do not see. */

const SVG = "http://www.w3.org/2000/svg";
const DRAWN = new Set(["svg", "g", "rect", "path", "circle", "line", "polyline", "polygon", "text"]);
const LARGEST = 999;
export const ARROWS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/* h("button", {class: "play", onclick: play}, "Play"): an element of HTML or SVG. */
export function h(tag, attributes = {}, ...children) {
  const element = DRAWN.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== undefined && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity));
  return element;
}

/* At most so many digits behind the point, and a true minus. */
export function format(value, digits = 2) {
  return String(Number(value.toFixed(digits)) || 0).replace("-", "−");
}

/* What a reader typed, with either minus and either decimal point; NaN where it is no number. */
export function parse(text) {
  const plain = text.trim().replace("−", "-").replace(",", ".");
  const value = plain === "" ? NaN : Number(plain);
  return Math.abs(value) <= LARGEST ? value : NaN;
}

export const range = (count) => Array.from({ length: count }, (_, i) => i);
export const clamp = (value, low, high) => Math.max(low, Math.min(high, value));
export const copy = (state) => JSON.parse(JSON.stringify(state));
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

/* Every figure of this name on the page: `build` fills the live part, which then takes the still's place. */
export function start(name, build) {
  for (const place of document.querySelectorAll(`[data-interactive="${name}"]`)) {
    const given = JSON.parse(place.querySelector("script").textContent);
    const live = h("div", { class: "live", role: "group", "aria-label": `${given.title}, interactive figure` });
    build({ live, ...given });
    place.append(live);
    place.dataset.live = "";
  }
}

/* A sentence that follows what the reader does; it is read aloud after a pause. */
export function speaker() {
  const seen = h("p", { class: "says", "aria-hidden": "true" });
  const heard = h("p", { class: "heard", role: "status" });
  let wait;
  function say(sentence) {
    seen.textContent = sentence;
    clearTimeout(wait);
    wait = setTimeout(() => { heard.textContent = sentence; }, 400);
  }
  return { element: h("div", {}, seen, heard), say };
}

export function button(words, press, attributes = {}) {
  return h("button", { type: "button", onclick: press, ...attributes }, words);
}

/* A button that begins, and ticks until tick() answers false or it is pressed again; who wants no motion gets none. */
export function player(begin, tick, milliseconds, ended = () => {}) {
  let running;
  const element = button("Play", () => (running ? stop() : play()), { hidden: calm() });
  function stop() {
    clearInterval(running);
    running = undefined;
    element.textContent = "Play";
  }
  function play() {
    begin();
    running = setInterval(() => {
      if (tick()) return;
      stop();
      ended();
    }, milliseconds);
    element.textContent = "Stop";
  }
  return { element, stop, running: () => running !== undefined };
}

/* A labelled choice; `options` are [value, words]; `name` where the label alone does not say which. */
export function choice(label, options, value, change, name = label) {
  const option = ([key, words]) => h("option", { value: key, selected: String(key) === String(value) }, words);
  const select = h("select", { "aria-label": name, onchange: () => change(select.value) }, options.map(option));
  const element = h("label", { class: "choice" }, h("span", {}, label), select);
  return { element, set: (key) => { select.value = key; } };
}

/* The choice among a figure's presets; change(state) gets a copy of the chosen one. */
export function examples(label, presets, preset, change) {
  const options = Object.entries(presets).map(([key, state]) => [key, state.label]);
  return choice(label, options, preset, (key) => change(copy(presets[key]))).element;
}

/* A labelled slider that shows its value. */
export function slider(label, low, high, value, change, show = String, step = 1) {
  const shown = h("output");
  const input = h("input", { type: "range", min: low, max: high, step });
  const set = (to, top = high) => {
    [input.max, input.value] = [Math.max(top, to), to];
    shown.textContent = show(Number(input.value));
    input.setAttribute("aria-valuetext", shown.textContent);
  };
  input.addEventListener("input", () => { set(input.value, input.max); change(Number(input.value)); });
  set(value);
  return { element: h("label", { class: "slider" }, h("span", {}, label), input, shown), set };
}

/* Follow a finger or a mouse from press to release. */
export function drag(element, follow) {
  element.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    element.setPointerCapture(event.pointerId);
    follow(event, true);
  });
  element.addEventListener("pointermove", (event) => {
    if (element.hasPointerCapture(event.pointerId)) follow(event, false);
  });
}

/* A part of a figure under its name. */
export function panel(...children) {
  const name = h("p", { class: "name" });
  return { element: h("div", { class: "panel" }, name, children), title: (words) => { name.textContent = words; } };
}
