// ---- surface.js: the error as a surface, which turns ----

const view = { turn: -0.7, tilt: 0.6 }; // radians
const largest = Object.fromEntries(
  Object.entries(descent.mesh).map(([loss, rows]) => [loss, Math.max(...rows.flat()) || 1]));

// Where a point of the surface is seen: x, y, and how far away. u and v go from −½ to ½, z from 0 to 1.
function project(u, v, z) {
  const [cos, sin] = [Math.cos(view.turn), Math.sin(view.turn)];
  const [x, depth] = [u * cos - v * sin, u * sin + v * cos];
  const y = 0.7 * z * Math.cos(view.tilt) + depth * Math.sin(view.tilt);
  return [220 + 270 * x, 270 - 270 * y, depth];
}

// The height of an error, from 0 to 1: that of the squared error is log(1 + E).
function height(error) {
  const scale = state.loss === "squared" ? Math.log1p : (x) => x;
  return Math.min(1, scale(error) / scale(largest[state.loss]));
}

function drawSurface(walked) {
  const heights = descent.mesh[state.loss].map((row) => row.map(height));
  const size = heights.length;
  const along = (i) => i / (size - 1) - 0.5;
  const corners = heights.map((row, j) => row.map((z, i) => project(along(i), along(j), z)));
  const cells = [];
  for (let j = 0; j + 1 < size; j++)
    for (let i = 0; i + 1 < size; i++) {
      const places = [[j, i], [j, i + 1], [j + 1, i + 1], [j + 1, i]];
      const four = places.map(([a, b]) => corners[a][b]);
      const mean = places.reduce((sum, [a, b]) => sum + heights[a][b], 0) / 4;
      const shade = Math.min(SHADES - 1, Math.floor(SHADES * mean));
      const depth = four.reduce((sum, corner) => sum + corner[2], 0);
      cells.push([depth, `<polygon class="h${shade}" points="${pairs(four)}"/>`]);
    }
  cells.sort((a, b) => b[0] - a[0]); // what is far is drawn first, and hidden by what is near
  $("mesh").innerHTML = cells.map((cell) => cell[1]).join("");
  drawRidge(walked);
  for (const [name, u, v] of [["w1", 0.62, 0], ["w2", 0, 0.62]]) {
    const [x, y] = project(u, v, 0);
    set(`axis-${name}`, { x, y });
  }
  $("turn").value = view.turn;
}

// The descent lies on the surface as far as it stays in the square.
function drawRidge(walked) {
  const left = walked.findIndex(([w1, w2]) => Math.max(Math.abs(w1), Math.abs(w2)) > high);
  const inside = left < 0 ? walked : walked.slice(0, left);
  const span = high - low;
  const points = inside.map(([w1, w2, , error]) => project(w1 / span, w2 / span, height(error) + 0.02));
  set("ridge", { points: pairs(points) });
  $("ridge-dots").innerHTML = dots(points);
}

function turnBy(turn, tilt) {
  const full = 2 * Math.PI;
  view.turn = ((((view.turn + turn + Math.PI) % full) + full) % full) - Math.PI;
  view.tilt = clip(view.tilt + tilt, 0.1, 0.8);
  drawSurface(run().steps.slice(0, state.step + 1));
}

$("turn").oninput = () => turnBy(Number($("turn").value) - view.turn, 0);
$("surface").onkeydown = (event) => {
  const keys = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
  if (!keys[event.key]) return;
  event.preventDefault();
  turnBy(...keys[event.key]);
};
let pointer = null; // where it was last, while it drags
$("surface").onpointerdown = (event) => {
  pointer = [event.clientX, event.clientY];
  $("surface").setPointerCapture(event.pointerId);
};
$("surface").onpointermove = (event) => {
  if (!pointer) return;
  turnBy((event.clientX - pointer[0]) / 150, (event.clientY - pointer[1]) / 200);
  pointer = [event.clientX, event.clientY];
};
$("surface").onpointerup = $("surface").onpointercancel = () => (pointer = null);
