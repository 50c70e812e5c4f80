"use strict";
// Adds and removes rows (without it the empty rows at the end still do), and explains known names.
function explain(row) {
  const box = row.closest(".extra-specs");
  const name = row.querySelector("input").value.trim();
  const known = [...box.querySelectorAll("[data-name]")].find((line) => line.dataset.name === name);
  const cells = known ? known.querySelectorAll("td") : null;
  row.querySelector(".extra-specs-meaning").textContent =
    cells ? `${cells[2].textContent} Takes ${cells[1].textContent}.` : "";
}
const rowsOf = (box) => box.querySelectorAll(":scope > table > tbody > tr");
document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll(".extra-specs").forEach((box) => rowsOf(box).forEach(explain));
});
document.addEventListener("input", (event) => {
  if (event.target.matches(".extra-specs input[name$='-name']")) explain(event.target.closest("tr"));
});
document.addEventListener("click", (event) => {
  const box = event.target.closest(".extra-specs");
  if (box === null) return;
  const rows = box.querySelector("tbody");
  if (event.target.matches(".extra-specs-add")) {
    const row = rows.lastElementChild.cloneNode(true);
    row.querySelectorAll("input").forEach((input) => { input.value = ""; });
    explain(row);
    rows.append(row);
    row.querySelector("input").focus();
  } else if (event.target.matches(".extra-specs-remove")) {
    const row = event.target.closest("tr");
    if (rows.children.length > 1) row.remove();
    else row.querySelectorAll("input").forEach((input) => { input.value = ""; });
    if (row.isConnected) explain(row);
  }
});
