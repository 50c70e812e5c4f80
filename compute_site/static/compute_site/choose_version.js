"use strict";

// Shows the page at another microversion as soon as it is chosen.
document.getElementById("microversion").addEventListener("change", (event) => {
  event.target.form.submit();
});
