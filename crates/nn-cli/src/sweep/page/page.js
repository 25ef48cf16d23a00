"use strict";
// Follows one combination through all figures and the table, and sorts the table. The page is whole without it.
(() => {
  const readout = document.querySelector(".readout");
  if (!readout) return;
  const idle = readout.textContent;
  const members = new Map();
  for (const element of document.querySelectorAll("[data-c]")) {
    const number = element.dataset.c;
    members.set(number, [...(members.get(number) || []), element]);
  }
  let shown = null;
  let kept = null;
  const show = (number) => {
    if (number === shown) return;
    for (const element of members.get(shown) || []) element.classList.remove("on");
    shown = number;
    document.body.classList.toggle("focus", number !== null);
    readout.classList.toggle("on", number !== null);
    readout.textContent = idle;
    for (const element of members.get(number) || []) {
      element.classList.add("on");
      const title = element.querySelector("title");
      if (title) readout.textContent = title.textContent;
    }
  };
  const numberAt = (event) => event.target.closest?.("[data-c]")?.dataset.c ?? null;
  document.addEventListener("pointerover", (event) => show(numberAt(event) ?? kept));
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("thead")) return;
    const number = numberAt(event);
    kept = number === kept ? null : number;
    show(kept);
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") show((kept = null));
  });

  const value = (row, column) => {
    const shown = row.cells[column].textContent;
    // 60,000 is a number; 300,100 in a column of settings is a list.
    const isNumber = /^\d{1,3}(,\d{3})+$/.test(shown) && !row.cells[column].classList.contains("setting");
    const text = isNumber ? shown.replaceAll(",", "") : shown;
    const number = parseFloat(text);
    return Number.isNaN(number) ? text : number;
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    const headings = [...table.tHead.rows[0].cells];
    const sort = (column) => {
      const heading = headings[column];
      const descending = heading.getAttribute("aria-sort") === "ascending";
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", descending ? "descending" : "ascending");
      const rows = [...table.tBodies[0].rows];
      rows.sort((one, other) => {
        const [a, b] = [value(one, column), value(other, column)];
        const order = typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1;
        return descending ? -order : order;
      });
      table.tBodies[0].append(...rows);
    };
    headings.forEach((heading, column) => {
      heading.tabIndex = 0;
      heading.addEventListener("click", () => sort(column));
      heading.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          sort(column);
        }
      });
    });
  }
})();
