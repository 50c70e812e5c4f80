// Fields of filters suggest names while somebody types.
"use strict";
const WAIT = 150;

function suggestFor(field) {
  const list = document.createElement("datalist");
  list.id = `suggested-${field.name}`;
  field.after(list);
  field.setAttribute("list", list.id);
  field.autocomplete = "off";
  let timer = 0;
  field.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const query = new URLSearchParams({ kind: field.dataset.suggest, q: field.value });
      const answer = await fetch(`${field.dataset.suggestUrl}?${query}`);
      if (!answer.ok) return;
      const { names } = await answer.json();
      list.replaceChildren(...names.map((name) => new Option(name, name)));
    }, WAIT);
  });
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-suggest]").forEach(suggestFor);
});
