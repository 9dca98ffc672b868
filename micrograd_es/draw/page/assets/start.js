// ---- start.js: all parts are there, the page can begin ----

for (const button of all("[data-lang]")) button.onclick = () => change({ lang: button.dataset.lang });

addEventListener("hashchange", () => {
  readAddress();
  draw();
});

// Paper shows where each part is, or its end if it was not played yet.
let beforePrint = {};
addEventListener("beforeprint", () => {
  beforePrint = { ...state };
  Object.assign(state, ...parts.map((part) => part.end()));
  draw();
});
addEventListener("afterprint", () => {
  Object.assign(state, beforePrint);
  draw();
});

readAddress();
document.body.classList.add("plays");
draw();
