"use strict";
// Plays what the library computed: it computes no gradient, and every number is in the data.

const D = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
const graphs = Object.keys(D.graphs);
const descent = D.descent;
const fresh = { lang: document.documentElement.lang, graph: graphs[0], op: 0 };
const usual = (loss) => descent.presets[loss].good ?? Math.floor(descent.rates.length / 2);
if (descent) {
  Object.assign(fresh, { loss: descent.losses[0], rate: usual(descent.losses[0]) });
  Object.assign(fresh, { start: 0, step: 0, turn: descent.turn, tilt: descent.tilt });
}
const state = { ...fresh };
let timer = 0;

// ---- words and numbers ----

function num(x, digits = 4) {
  const size = Math.abs(x);
  if (size === 0 || (size >= 1e-4 && size < 1e6)) return local(String(Number(x.toPrecision(digits))));
  const [shown, power] = x.toExponential(2).split("e");
  const raised = [...power.replace("+", "")].map((c) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(c)]);
  return `${local(shown)}·10${raised.join("")}`;
}

function local(text) {
  const signed = text.replace(/-(?=[\d(]|$)/g, "−");
  return state.lang === "es" ? signed.replace(/(\d)\.(?=\d)/g, "$1,") : signed;
}

function say(key, parts = {}) {
  return D.text[state.lang][key].replace(/\{(\w+)\}/g, (_, name) =>
    typeof parts[name] === "number" ? num(parts[name]) : parts[name]);
}

function translate() {
  document.documentElement.lang = state.lang;
  document.title = say(D.title, D.parts);
  for (const element of all("[data-t]")) element.textContent = say(element.dataset.t, D.parts);
  for (const element of all("[data-l]")) element.setAttribute("aria-label", say(element.dataset.l));
  for (const element of all("[data-n]")) element.textContent = num(Number(element.dataset.n));
  for (const button of all("[data-lang]"))
    button.setAttribute("aria-pressed", button.dataset.lang === state.lang);
}

// ---- the state, and the address that holds it ----

function nearest(numbers, x) {
  const away = numbers.map((number) => Math.abs(Math.log(number / x)));
  return away.indexOf(Math.min(...away));
}

function within(text, last, usual) {
  const number = Math.round(Number(text));
  return text !== null && Number.isFinite(number) ? Math.max(0, Math.min(last, number)) : usual;
}

function readAddress() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const one = (name, known, usual) => (known.includes(asked.get(name)) ? asked.get(name) : usual);
  state.lang = one("lang", Object.keys(D.text), fresh.lang);
  state.graph = one("graph", graphs, fresh.graph);
  state.op = within(asked.get("op"), operations(), 0);
  if (!descent) return;
  state.loss = one("loss", descent.losses, fresh.loss);
  const rate = Number(asked.get("rate"));
  const given = rate > 0 && Number.isFinite(rate);
  state.rate = given ? nearest(descent.rates, rate) : usual(state.loss);
  state.start = within(asked.get("start"), descent.starts.length - 1, 0);
  state.step = within(asked.get("step"), run().steps.length - 1, 0);
}

function writeAddress() {
  const told = { lang: state.lang };
  if (descent) {
    const { loss, start, step } = state;
    Object.assign(told, { loss, rate: descent.rates[state.rate], start, step });
  }
  Object.assign(told, { graph: state.graph, op: state.op });
  try {
    history.replaceState(null, "", "#" + new URLSearchParams(told));
  } catch {
    // inside a notebook's frame there is no address to write
  }
}

// ---- the descent ----

const run = () => descent.runs[state.loss][state.start][state.rate];
const px = (w) => 20 + (400 * (w - descent.low)) / (descent.high - descent.low);
const py = (w) => 440 - px(w);
const clip = (x, low, high) => Math.max(low, Math.min(high, x));
const pairs = (points) => points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
const set = (id, attributes) => {
  for (const [name, value] of Object.entries(attributes)) $(id).setAttribute(name, value);
};

function seen([w1, w2]) {
  const far = 3 * (descent.high - descent.low); // beyond it a line is as good as endless
  return [px(clip(w1, -far, far)), py(clip(w2, -far, far))];
}

function drawDescent() {
  const { steps } = run();
  const last = steps.length - 1;
  state.step = Math.min(state.step, last);
  const walked = steps.slice(0, state.step + 1);
  const [w1, w2, output, error, g1, g2] = steps[state.step];
  $("descent").dataset.loss = state.loss;
  $("rate").value = state.rate;
  $("start").value = state.start;
  Object.assign($("step"), { max: last, value: state.step });
  const rate = descent.rates[state.rate];
  const [a, b] = descent.starts[state.start];
  const told = [["rate", `η = ${num(rate)}`], ["start", `w1 = ${num(a)}, w2 = ${num(b)}`]];
  for (const [id, text] of [...told, ["step", say("page_step_of", { step: state.step, last })]]) {
    $(`${id}-told`).textContent = text;
    $(id).setAttribute("aria-valuetext", text);
  }
  for (const radio of all("[name=loss]")) radio.checked = radio.value === state.loss;
  const presets = descent.presets[state.loss];
  let sentence = "";
  for (const button of all("[data-preset]")) {
    const place = presets[button.dataset.preset];
    const chosen = place === state.rate;
    button.disabled = place === null;
    button.setAttribute("aria-pressed", chosen);
    if (chosen && state.start === 0) sentence = say(`page_${button.dataset.preset}_text`);
  }
  $("verdict").textContent = `η = ${num(rate)}: ${becomes()} ${sentence}`;
  $("bound").textContent = bound(rate);
  const points = walked.map(seen);
  set("path", { points: pairs(points) });
  $("dots").innerHTML = points.map(([x, y]) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3"/>`).join("");
  const [x, y] = points[points.length - 1];
  set("here", { cx: x, cy: y });
  drawUphill(x, y, g1, g2);
  const cells = { w1, w2, output, error, g1, g2 };
  for (const [id, value] of Object.entries(cells)) $(`is-${id}`).textContent = num(value);
  drawCurve(walked);
  drawSurface(walked);
}

function drawUphill(x, y, g1, g2) {
  const length = Math.hypot(g1, g2);
  const drawn = Math.min(60, length * descent.arrow[state.loss]);
  const [u, v] = length ? [(g1 / length) * drawn, (-g2 / length) * drawn] : [0, 0];
  const [ex, ey] = [x + u, y + v];
  const head = Math.min(8, drawn / 2) / (drawn || 1);
  const [hu, hv] = [u * head, v * head];
  const barbs = `M${ex} ${ey}l${-hu - hv / 2} ${-hv + hu / 2}M${ex} ${ey}l${-hu + hv / 2} ${-hv - hu / 2}`;
  set("uphill", { d: length ? `M${x} ${y}L${ex} ${ey}${barbs}` : "" });
}

function becomes() {
  const { verdict, count, steps } = run();
  const one = count === 1 && verdict === "reached" ? "_one" : "";
  return say(`page_is_${verdict}${one}`, { steps: count, limit: steps.length - 1 });
}

function bound(rate) {
  const { bound: limit, curvature, jump, verdict } = run();
  if (limit === null) return say("page_flat");
  const parts = { rate, bound: limit, curvature, jump, width: descent.width };
  const wild = verdict === "diverges";
  if (state.loss === "squared") {
    if (wild) return say(rate > limit ? "page_squared_wild" : "page_squared_far", parts);
    return say(rate < limit ? "page_squared_below" : "page_squared_above", parts);
  }
  if (wild) return say("page_absolute_wild");
  const key = jump > descent.width ? "jumps" : verdict === "bounces" ? "maybe" : "fits";
  return say(`page_absolute_${key}`, parts);
}

function drawCurve(walked) {
  const [low, high] = descent.powers;
  const at = (error, i) => {
    const power = clip(Math.log10(Math.max(error, 1e-300)), low, high);
    return [60 + (360 * i) / descent.limit, 170 - (150 * (power - low)) / (high - low)];
  };
  const points = walked.map((step, i) => at(step[3], i));
  set("curve-line", { points: pairs(points) });
  const [x, y] = points[points.length - 1];
  set("curve-here", { cx: x, cy: y });
}

function project(u, v, z) {
  const [cos, sin] = [Math.cos(state.turn), Math.sin(state.turn)];
  const [x, depth] = [u * cos - v * sin, u * sin + v * cos];
  const y = 0.7 * z * Math.cos(state.tilt) + depth * Math.sin(state.tilt);
  return [220 + 270 * x, 270 - 270 * y, depth];
}

function drawSurface(walked) {
  const heights = descent.surface[state.loss];
  const size = heights.length;
  const at = (i) => i / (size - 1) - 0.5;
  const corners = heights.map((row, j) => row.map((z, i) => project(at(i), at(j), z)));
  const cells = [];
  for (let j = 0; j + 1 < size; j++)
    for (let i = 0; i + 1 < size; i++) {
      const four = [corners[j][i], corners[j][i + 1], corners[j + 1][i + 1], corners[j + 1][i]];
      const mean = (heights[j][i] + heights[j][i + 1] + heights[j + 1][i + 1] + heights[j + 1][i]) / 4;
      const depth = four.reduce((sum, corner) => sum + corner[2], 0);
      cells.push([depth, `<polygon class="h${Math.min(7, Math.floor(8 * mean))}" points="${pairs(four)}"/>`]);
    }
  cells.sort((a, b) => b[0] - a[0]);
  $("mesh").innerHTML = cells.map((cell) => cell[1]).join("");
  const span = descent.high - descent.low;
  const out = walked.findIndex(([a, b]) => Math.max(Math.abs(a), Math.abs(b)) > span / 2);
  const inside = out < 0 ? walked : walked.slice(0, out);
  const top = descent.tops[state.loss];
  const rise = (error) => (state.loss === "squared" ? Math.log1p(error) / Math.log1p(top) : error / top);
  const points = inside.map(([a, b, , error]) => project(a / span, b / span, Math.min(1, rise(error)) + 0.02));
  set("ridge", { points: pairs(points) });
  $("ridge-dots").innerHTML = points.map(([x, y]) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3"/>`).join("");
  const ends = [["w1", 0.62, 0], ["w2", 0, 0.62]];
  for (const [name, u, v] of ends) {
    const [x, y] = project(u, v, 0);
    set(`axis-${name}`, { x, y });
  }
  $("turn").value = state.turn;
}

function play() {
  const stop = () => {
    clearInterval(timer);
    timer = 0;
    $("play").textContent = say("page_play");
  };
  const last = run().steps.length - 1;
  if (timer) return stop();
  if (still) return change({ step: last });
  if (state.step === last) state.step = 0;
  $("play").textContent = say("page_pause");
  timer = setInterval(() => {
    change({ step: Math.min(last, state.step + 1) });
    if (state.step >= run().steps.length - 1) stop();
  }, 350);
}

// ---- backpropagation, operation by operation ----

const graph = () => D.graphs[state.graph];
const operations = () => graph().forward.length + 1 + graph().backward.length;
const held = (x) => (x < 0 ? `(${num(x)})` : num(x));

function forwardLine([node, letters, pattern, operands]) {
  const numbers = pattern.replace(/(-?)\{(\d+)\}/g, (_, sign, i) => sign + num(operands[i]));
  return `${local(letters)} = ${local(numbers)} = ${num(graph().data[node])}`;
}

function backwardLine([, , letters, grad, partial, before, after]) {
  const sum = before ? `${num(before)} + ` : "";
  return `${local(letters)} = ${sum}${held(grad)} · ${held(partial)} = ${num(after)}`;
}

function line(op) {
  const { forward, backward, names } = graph();
  if (op < forward.length) return forwardLine(forward[op]);
  const output = names[names.length - 1];
  const bare = output.includes(" ") ? `(${output})` : output;
  return op === forward.length ? `∂${bare}/∂${bare} = 1` : backwardLine(backward[op - forward.length - 1]);
}

function drawSteps() {
  const { forward, backward, data, made, edges, names } = graph();
  const last = operations();
  for (const figure of all("[data-graph]")) figure.hidden = figure.dataset.graph !== state.graph;
  for (const radio of all("[name=graph]")) radio.checked = radio.value === state.graph;
  Object.assign($("op"), { max: last, value: state.op });
  const told = say("page_step_of", { step: state.op, last });
  $("op-told").textContent = told;
  $("op").setAttribute("aria-valuetext", told);
  const known = new Set(made.flatMap((is, i) => (is ? [] : [i])));
  const grads = new Map();
  let now = [];
  for (let op = 0; op < state.op; op++) {
    const step = op < forward.length ? forward[op] : backward[op - forward.length - 1];
    if (op < forward.length) known.add(step[0]);
    else if (op === forward.length) grads.set(data.length - 1, 1);
    else grads.set(step[1], step[6]);
    now = op < forward.length ? [`n${step[0]}`] : step ? [`n${step[1]}`, `e${step[1]}-${step[0]}`] : [`n${data.length - 1}`];
  }
  const figure = all(`[data-graph="${state.graph}"]`)[0];
  for (const node of all("[data-node]", figure)) {
    const i = Number(node.dataset.node);
    node.classList.toggle("now", now.includes(`n${i}`));
    const [value, grad] = [node.querySelector(".data"), node.querySelector(".grad")];
    value.textContent = known.has(i) ? num(data[i]) : "";
    if (grad) grad.textContent = grads.has(i) ? `∂ ${num(grads.get(i))}` : "";
  }
  for (const edge of all("[data-edge]", figure)) {
    const [arg, node] = edge.dataset.edge.split("-").map(Number);
    edge.classList.toggle("now", now.includes(`e${arg}-${node}`));
    const text = edge.querySelector("text");
    if (!text) continue;
    const partials = edges[edge.dataset.edge];
    const [low, high] = [Math.min(...partials), Math.max(...partials)];
    text.textContent = known.has(node) ? [...new Set([num(low, 3), num(high, 3)])].join(" … ") : "";
  }
  const way = say(state.op <= forward.length ? "page_forward" : "page_backward");
  $("arithmetic").textContent = state.op ? `${way}: ${line(state.op - 1)}` : say("page_ready");
  const items = Array.from({ length: state.op }, (_, op) => {
    const item = document.createElement("li");
    item.textContent = line(op);
    return item;
  });
  $("log").replaceChildren(...items);
  $("log").scrollTop = $("log").scrollHeight;
  const node = figure.querySelector("[data-node].now");
  if (!node) return;
  const [outer, inner] = [figure.getBoundingClientRect(), node.getBoundingClientRect()];
  if (inner.left < outer.left || inner.right > outer.right)
    figure.scrollLeft += inner.left - outer.left - outer.width / 2;
  if (inner.top < outer.top || inner.bottom > outer.bottom)
    figure.scrollTop += inner.top - outer.top - outer.height / 2;
}

// ---- together ----

function draw() {
  translate();
  if (descent) drawDescent();
  drawSteps();
  if (descent) $("play").textContent = say(timer ? "page_pause" : "page_play");
}

function change(what) {
  Object.assign(state, what);
  draw();
  writeAddress();
}

function moves(name, last) {
  const go = { first: () => 0, back: () => Math.max(0, state[name] - 1),
    next: () => Math.min(last(), state[name] + 1), last };
  for (const [way, to] of Object.entries(go))
    $(`${name}-${way}`).onclick = () => change({ [name]: to() });
  $(name).oninput = () => change({ [name]: Number($(name).value) });
}

for (const button of all("[data-lang]")) button.onclick = () => change({ lang: button.dataset.lang });
for (const radio of all("[name=graph]")) radio.onchange = () => change({ graph: radio.value, op: 0 });
moves("op", operations);
if (descent) {
  const walk = (what) => change({ ...what, step: Infinity });
  moves("step", () => run().steps.length - 1);
  $("play").onclick = play;
  $("rate").oninput = () => walk({ rate: Number($("rate").value) });
  $("start").oninput = () => walk({ start: Number($("start").value) });
  for (const radio of all("[name=loss]"))
    radio.onchange = () => walk({ loss: radio.value, rate: usual(radio.value) });
  for (const button of all("[data-preset]"))
    button.onclick = () => walk({ rate: descent.presets[state.loss][button.dataset.preset], start: 0 });
  const turned = (by, up) => {
    const full = 2 * Math.PI;
    state.turn = ((((state.turn + by + Math.PI) % full) + full) % full) - Math.PI;
    state.tilt = clip(state.tilt + up, 0.1, 0.8);
    drawSurface(run().steps.slice(0, state.step + 1));
  };
  $("turn").oninput = () => turned(Number($("turn").value) - state.turn, 0);
  const keys = { ArrowLeft: [-0.1, 0], ArrowRight: [0.1, 0], ArrowUp: [0, 0.1], ArrowDown: [0, -0.1] };
  $("surface").onkeydown = (event) => {
    if (!keys[event.key]) return;
    event.preventDefault();
    turned(...keys[event.key]);
  };
  let held = null;
  $("surface").onpointerdown = (event) => {
    held = [event.clientX, event.clientY];
    $("surface").setPointerCapture(event.pointerId);
  };
  $("surface").onpointermove = (event) => {
    if (!held) return;
    turned((event.clientX - held[0]) / 150, (event.clientY - held[1]) / 200);
    held = [event.clientX, event.clientY];
  };
  $("surface").onpointerup = $("surface").onpointercancel = () => (held = null);
}
addEventListener("hashchange", () => {
  readAddress();
  draw();
});
// On paper: how it ends, if nothing was pressed yet.
const before = {};
addEventListener("beforeprint", () => {
  Object.assign(before, { op: state.op, step: state.step });
  Object.assign(state, { op: state.op || operations(), step: state.step || Infinity });
  draw();
});
addEventListener("afterprint", () => {
  Object.assign(state, before);
  draw();
});
readAddress();
document.body.classList.add("plays");
draw();
