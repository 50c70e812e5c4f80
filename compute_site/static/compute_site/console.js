// A page on which something is going on is shown anew every few seconds, unless somebody is typing
// on it, has unfolded or marked something, or looks at another one.
"use strict";
const SECONDS = 5;

function isInUse() {
  const focused = document.activeElement;
  return (
    document.hidden ||
    (focused && focused.matches("input, select, textarea")) ||
    String(getSelection()) !== "" ||
    document.querySelector("#content details[open]:not([data-filter-title])") !== null
  );
}

if (document.querySelector("[data-busy]")) {
  setInterval(() => isInUse() || location.reload(), SECONDS * 1000);
}
