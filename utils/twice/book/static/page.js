/* What a page does by itself: the list of pages shows the one that is open, and paper is light. */
(() => {
  /* The theme keeps the list where it was scrolled to, and the open page may lie out of sight. */
  function showPlace() {
    const list = document.querySelector(".bd-sidebar-primary"), here = list?.querySelector(".bd-docs-nav li.active > a.current");
    if (!here) return;
    const frame = list.getBoundingClientRect(), place = here.getBoundingClientRect();
    if (place.top < frame.top || place.bottom > frame.bottom) list.scrollTop += place.top - frame.top - frame.height / 3;
  }

  /* Light letters, made for a dark screen, could not be read on paper. */
  let theme = null;
  function lighten() {
    theme ??= document.documentElement.dataset.theme;
    document.documentElement.dataset.theme = "light";
  }
  function restore() {
    if (theme) document.documentElement.dataset.theme = theme;
    theme = null;
  }

  window.addEventListener("load", showPlace);
  window.addEventListener("beforeprint", lighten);
  window.addEventListener("afterprint", restore);
  matchMedia("print").addEventListener("change", ({ matches }) => (matches ? lighten() : restore()));
})();
