/* The ledger's lists: each narrows the table down, and the address remembers the choice, so that a page can link to it. */
(() => {
  function narrow(form) {
    const wanted = [...new FormData(form)].filter(([, value]) => value);
    const rows = [...form.parentElement.querySelectorAll("tr[data-verdict]")];
    for (const row of rows) row.hidden = !wanted.every(([name, value]) => matches(row.dataset[name], name, value));
    for (const part of form.parentElement.querySelectorAll("tbody")) {
      part.hidden = !part.querySelector("tr[data-verdict]:not([hidden])");
    }
    form.querySelector("output").textContent = `${rows.filter((row) => !row.hidden).length} of ${rows.length} claims`;
    return wanted;
  }

  const matches = (has, name, value) => (name === "document" ? has.includes(value) : has === value);

  for (const form of document.querySelectorAll(".ledger-filter")) {
    for (const [name, value] of new URLSearchParams(location.search)) {
      const list = form.elements[name];
      if (list && [...list.options].some((option) => option.value === value)) list.value = value;
    }
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("change", () => {
      const query = new URLSearchParams(narrow(form)).toString();
      history.replaceState(null, "", query ? `?${query}` : location.pathname);
    });
    narrow(form);
    form.hidden = false;
  }
})();
