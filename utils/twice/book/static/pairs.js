/* Pairs of cells: which engine is shown where there is room for one. The choice stands as one attribute on <html>,
 * so every pair of a page follows it, and in the browser's storage, so every page does. */
(() => {
  const KEY = "engine", ENGINES = ["numpy", "torch"], root = document.documentElement;

  const remembered = () => {
    try { return localStorage.getItem(KEY); } catch { return null; }
  };
  const remember = (engine) => {
    try { localStorage.setItem(KEY, engine); } catch { /* private windows may refuse */ }
  };

  function show(engine) {
    root.dataset.engine = ENGINES.includes(engine) ? engine : "numpy";
    for (const tab of document.querySelectorAll(".pair [role=tab]")) {
      const chosen = tab.dataset.engine === root.dataset.engine;
      tab.setAttribute("aria-selected", chosen);
      tab.tabIndex = chosen ? 0 : -1;
    }
  }

  /* The pairs above may change their height: what the reader looks at stays where it is. */
  function choose(tab) {
    const before = tab.getBoundingClientRect().top;
    show(tab.dataset.engine);
    remember(tab.dataset.engine);
    window.scrollBy(0, tab.getBoundingClientRect().top - before);
  }

  function press(event) {
    const tabs = [...event.currentTarget.querySelectorAll("[role=tab]")], here = tabs.indexOf(event.target);
    const there = { ArrowLeft: here - 1, ArrowRight: here + 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (here < 0 || there === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    const next = tabs.at(there % tabs.length);
    next.focus();
    choose(next);
  }

  /* A pair side by side reaches into the margin: the table of contents there makes room. */
  function yieldMargin() {
    const seen = new Set();
    const watch = new IntersectionObserver((entries) => {
      for (const entry of entries) seen[entry.isIntersecting ? "add" : "delete"](entry.target);
      document.body.classList.toggle("pair-in-view", seen.size > 0);
    });
    document.querySelectorAll(".pair").forEach((pair) => watch.observe(pair));
  }

  show(remembered());
  window.addEventListener("storage", (event) => { if (event.key === KEY) show(event.newValue); });
  document.addEventListener("DOMContentLoaded", () => {
    show(root.dataset.engine);
    yieldMargin();
    for (const list of document.querySelectorAll(".pair [role=tablist]")) {
      list.addEventListener("keydown", press);
      list.addEventListener("click", (event) => {
        const tab = event.target.closest("[role=tab]");
        if (tab) choose(tab);
      });
    }
  });
})();
