"use strict";
// Without this script everything on the page is shown, and nothing is lost but comfort.
(() => {
  const one = (selector, from = document) => from.querySelector(selector);
  const all = (selector, from = document) => Array.from(from.querySelectorAll(selector));

  // What a mark is, also where there is no pointer that could rest on it.
  for (const picture of all(".marks")) {
    const told = picture.closest(".scroll").nextElementSibling;
    const tell = (event) => {
      const mark = event.target.closest("use, rect, g");
      const title = mark && one("title", mark);
      if (title) told.textContent = title.textContent;
    };
    picture.addEventListener("click", tell);
    picture.addEventListener("pointerover", tell);
  }

  const controls = one("#controls");
  if (controls) {
    const rows = all(".log > li");
    const texts = rows.map((row) => row.textContent.toLowerCase());
    const [level, event, text] = ["#by-level", "#by-event", "#by-text"].map((id) => one(id));
    const filter = () => {
      const least = Number(level.value);
      const words = text.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach((row, place) => {
        const kept =
          Number(row.dataset.l ?? 1) >= least &&
          (!event.value || row.dataset.e === event.value) &&
          words.every((word) => texts[place].includes(word));
        row.hidden = !kept;
        shown += kept;
      });
      one("#shown").textContent = `${shown} of ${rows.length} lines`;
    };
    for (const control of [level, event, text]) control.addEventListener("input", filter);
    controls.hidden = false;
    filter();
  }

  // A link to something that is folded away unfolds it.
  const unfold = () => {
    const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!(target instanceof HTMLDetailsElement)) return;
    target.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", unfold);
  unfold();

  // On paper nothing can be unfolded.
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all("details:not([open])");
    for (const details of closed) details.open = true;
  });
  addEventListener("afterprint", () => {
    for (const details of closed) details.open = false;
  });
})();
