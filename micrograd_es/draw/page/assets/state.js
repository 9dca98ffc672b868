// ---- state.js: what the page shows now, and the address that holds it ----

// A part of the page (steps.js, and the descent of the lesson) adds itself here. It has four functions:
//   read(address)   set its part of the state to what an address says
//   write()         return its part of the state for the address
//   draw()          show its part of the state
//   end()           return its part of the state for paper: where it is, or at the end
const parts = [];
const state = { lang: document.documentElement.lang };
const languageAtFirst = state.lang;

function draw() {
  translate();
  for (const part of parts) part.draw();
}

function change(changes) {
  Object.assign(state, changes);
  draw();
  writeAddress();
}

function readAddress() {
  const address = new URLSearchParams(location.hash.slice(1));
  state.lang = oneOf(Object.keys(DATA.text), address.get("lang"), languageAtFirst);
  for (const part of parts) part.read(address);
}

function writeAddress() {
  const address = Object.assign({ lang: state.lang }, ...parts.map((part) => part.write()));
  try {
    history.replaceState(null, "", "#" + new URLSearchParams(address));
  } catch {
    // inside a notebook's frame there is no address to write
  }
}

const oneOf = (known, text, otherwise) => (known.includes(text) ? text : otherwise);
const clip = (x, low, high) => Math.max(low, Math.min(high, x));

function wholeNumber(text, last) {
  const found = Math.round(Number(text));
  return Number.isFinite(found) ? clip(found, 0, last) : 0;
}

// The slider `name` and its four buttons walk over the steps 0 … last() of state[name].
function walkWith(name, last) {
  const ways = {
    first: () => 0,
    back: () => Math.max(0, state[name] - 1),
    next: () => Math.min(last(), state[name] + 1),
    last,
  };
  for (const [way, target] of Object.entries(ways))
    $(`${name}-${way}`).onclick = () => change({ [name]: target() });
  $(name).oninput = () => change({ [name]: Number($(name).value) });
}

// Set a slider, and say in words where it stands.
function showSlider(name, value, text) {
  $(name).value = value;
  $(`${name}-text`).textContent = text;
  $(name).setAttribute("aria-valuetext", text);
}
