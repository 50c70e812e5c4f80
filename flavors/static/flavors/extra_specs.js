"use strict";
// Adds and removes rows; without it the empty rows at the end still do.
document.addEventListener("click", (event) => {
  const box = event.target.closest(".extra-specs");
  if (box === null) return;
  const rows = box.querySelector("tbody");
  if (event.target.matches(".extra-specs-add")) {
    const row = rows.lastElementChild.cloneNode(true);
    row.querySelectorAll("input").forEach((input) => { input.value = ""; });
    rows.append(row);
    row.querySelector("input").focus();
  } else if (event.target.matches(".extra-specs-remove")) {
    const row = event.target.closest("tr");
    if (rows.children.length > 1) row.remove();
    else row.querySelectorAll("input").forEach((input) => { input.value = ""; });
  }
});
