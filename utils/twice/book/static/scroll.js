/* What scrolls sideways can be reached, and so scrolled, by keyboard. */
(() => {
  const WIDE = "table, pre, mjx-container, .output, .math, .twice-picture, .twice-picture > *";

  function offer() {
    for (const element of document.querySelectorAll("main :is(" + WIDE + ")")) {
      const scrolls = element.scrollWidth > element.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(element).overflowX);
      if (scrolls && element.tabIndex < 0) { // the theme may have said -1 before the fonts came
        element.tabIndex = 0;
        element.dataset.scrolls = "";
      } else if (!scrolls && "scrolls" in element.dataset) {
        element.removeAttribute("tabindex");
        delete element.dataset.scrolls;
      }
    }
  }

  const soon = () => requestAnimationFrame(offer);
  window.addEventListener("load", () => { soon(); window.MathJax?.startup?.promise?.then(soon); });
  document.fonts?.ready.then(soon);
  window.addEventListener("afterprint", soon);
  window.addEventListener("resize", soon);
  document.addEventListener("toggle", soon, true);
  document.addEventListener("click", soon);
})();
