/* Grids of numbers: to read ("plain"), to write ("number"), to switch between 0 and 1 ("toggle"), to choose a place of
 * ("pick"). A grid is one stop of the Tab key; the arrow keys walk in it. */

import { ARROWS, clamp, format, h, parse, range } from "./kit.js";

/* change(row, column, value) hears what was written or switched, and which place was chosen. */
export function grid(name, change = () => {}) {
  const element = h("div", { class: "grid", "aria-label": name });
  let cells = [], form = "", origin = [0, 0], here = [0, 0];

  const at = (row, column) => cells[row]?.[column];
  const focusable = (cell) => cell && cell.dataset.kind !== "plain";
  const report = (row, column, value) => change(row - origin[0], column - origin[1], value);

  function rove(row, column) {
    if (focusable(at(...here))) at(...here).tabIndex = -1;
    here = [row, column];
    at(row, column).tabIndex = 0;
  }

  function write(event, row, column) {
    const value = parse(event.target.value);
    event.target.setAttribute("aria-invalid", String(Number.isNaN(value)));
    if (!Number.isNaN(value)) report(row, column, value);
  }

  /* What was typed gives way to the number that stands. */
  function settle({ target }) {
    target.value = format(Number(target.dataset.value));
    target.removeAttribute("aria-invalid");
  }

  const makers = {
    plain: () => h("div"),
    pick: () => h("div", { role: "gridcell" }),
    toggle: (row, column) => h("button", {
      type: "button", onclick: (event) => report(row, column, 1 - Number(event.currentTarget.dataset.value)),
    }),
    number: (row, column) => h("input", {
      type: "text", autocomplete: "off", maxlength: 7, oninput: (event) => write(event, row, column), onblur: settle,
    }),
  };

  function enter(row, column) {
    rove(row, column);
    at(row, column).select?.();
    if (at(row, column).dataset.kind === "pick") report(row, column);
  }

  function make(kind, row, column) {
    const cell = makers[kind](row, column);
    Object.assign(cell.dataset, { kind, row: row - origin[0], column: column - origin[1] });
    if (focusable(cell)) {
      cell.tabIndex = -1;
      cell.addEventListener("focus", () => enter(row, column));
    }
    return cell;
  }

  function build(kinds) {
    cells = kinds.map((line, row) => line.map((kind, column) => make(kind, row, column)));
    const readOnly = kinds.flat().every((kind) => kind === "plain");
    const role = readOnly ? "cell" : "gridcell";
    const wrapped = (cell) => (cell.hasAttribute("role") ? cell : h("div", { role }, cell));
    element.setAttribute("role", readOnly ? "table" : "grid");
    element.style.setProperty("--columns", kinds[0]?.length ?? 1);
    element.replaceChildren(...cells.map((line) => h("div", { role: "row" }, line.map(wrapped))));
    if (!readOnly) settleFocus();
  }

  /* The place of the focus is kept where the new grid has it. */
  function settleFocus() {
    const near = at(clamp(here[0], 0, cells.length - 1), clamp(here[1], 0, cells[0].length - 1));
    const cell = focusable(near) ? near : cells.flat().find(focusable);
    const row = cells.findIndex((line) => line.includes(cell));
    rove(row, cells[row].indexOf(cell));
  }

  function fill(cell, value, look) {
    const { kind, row, column } = cell.dataset, words = look.words ?? format(value);
    cell.dataset.value = value;
    cell.className = look.class ?? "";
    cell.style.setProperty("--share", look.share ?? 0);
    if (kind === "toggle") cell.setAttribute("aria-pressed", String(value === 1));
    if (kind === "pick") cell.setAttribute("aria-selected", String(Boolean(look.chosen)));
    if (kind !== "plain") cell.setAttribute("aria-label", `row ${+row + 1}, column ${+column + 1}: ${words}`);
    if (kind !== "number") cell.replaceChildren(look.above ? h("small", {}, look.above) : "", words);
    else if (cell !== document.activeElement) cell.value = words;
  }

  /* `values` as rows; `kind` for all or as kind(row, column); look(row, column) gives class, share (0 to 1, the tint),
   * chosen, words, above; `from` is the place that counts as the first row and column. */
  function show(kind, values, look = () => ({}), from = [0, 0]) {
    const kindAt = typeof kind === "function" ? kind : () => kind;
    const kinds = values.map((line, row) => line.map((_, column) => kindAt(row, column)));
    const wanted = JSON.stringify([kinds, from]);
    if (wanted !== form) {
      origin = from;
      build(kinds);
    }
    form = wanted;
    values.forEach((line, row) => line.forEach((value, column) => {
      const seen = look(row, column);
      fill(at(row, column), value, seen);
      if (seen.chosen && !element.contains(document.activeElement)) rove(row, column);
    }));
  }

  element.addEventListener("keydown", (event) => {
    const way = ARROWS[event.key];
    if (!way || event.altKey || event.ctrlKey || event.metaKey || !cells.length) return;
    event.preventDefault();
    event.stopPropagation();
    const cell = at(here[0] + way[0], here[1] + way[1]);
    if (focusable(cell)) cell.focus();
  });

  const focus = (row, column) => at(row + origin[0], column + origin[1])?.focus({ preventScroll: true });
  return { element, show, focus };
}

/* A tint for each number, the strongest for the largest. */
export function shares(values) {
  const largest = Math.max(...values.flat().map(Math.abs), 0);
  return (row, column) => (largest ? Math.abs(values[row][column]) / largest : 0);
}
