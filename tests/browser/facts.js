/* What a page is asked in one go. */
() => {
  const seen = (element) => element.getClientRects().length && getComputedStyle(element).visibility === "visible";
  const every = (selector) => [...document.querySelectorAll(selector)];
  const named = (element) => element.tagName.toLowerCase() + "." + (element.getAttribute("class") || "");
  return {
    theme: document.documentElement.dataset.theme,
    width: document.documentElement.scrollWidth,
    backgrounds: every("body, main *").filter(seen)
      .map((element) => [named(element), getComputedStyle(element).backgroundColor])
      .filter(([_, colour]) => !/, 0\)$/.test(colour)),
    headings: every("main :is(h1, h2, h3, h4, h5, h6)").filter(seen).map((element) => Number(element.tagName[1])),
    wordless: every("main img:not([alt]), main svg[role=img]:not([aria-label])").map((element) => element.outerHTML.slice(0, 120)),
    raw: every("main p, main li, main td, main figcaption").map((element) => element.innerText)
      .filter((text) => /\{[a-z:-]+\}`|^:::|^```/m.test(text)),
    formulas: every("mjx-merror").map((element) => element.innerText),
    lost: every("main :is(h1, h2, h3, p, li)").filter(seen).filter((element) => element.getBoundingClientRect().left < 0)
      .map((element) => element.innerText.slice(0, 60)),
  };
}
