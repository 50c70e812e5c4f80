// A page on which something is going on is shown anew every few seconds, unless somebody is typing
// on it, has unfolded or marked something, or looks at another one. The page of a server follows the
// stream of changes instead, where the operator may read it, and is shown anew when the server changes.
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

// Says whether the stream is open.
function follow(page) {
  let source = null;
  let hasChanged = false;
  const open = () => {
    source = new EventSource(page.dataset.events);
    source.addEventListener("server", (event) => {
      hasChanged ||= JSON.parse(event.data).id === page.dataset.server;
    });
    source.addEventListener("reset", () => (hasChanged = true));
  };
  // a browser has few connections for all of its pages
  document.addEventListener("visibilitychange", () => {
    if (source) source.close();
    if (!document.hidden) {
      hasChanged = true;
      open();
    }
  });
  setInterval(() => hasChanged && !isInUse() && location.reload(), 500);
  if (!document.hidden) open();
  return () => source !== null && source.readyState === EventSource.OPEN;
}

// some pages load this before they have any content
document.addEventListener("DOMContentLoaded", () => {
  const followed = document.querySelector("[data-events]");
  const isFollowing = followed && window.EventSource ? follow(followed) : () => false;
  if (document.querySelector("[data-busy]")) {
    setInterval(() => isFollowing() || isInUse() || location.reload(), SECONDS * 1000);
  }
});
