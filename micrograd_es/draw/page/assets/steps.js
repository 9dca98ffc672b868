// ---- steps.js: backpropagation, operation by operation ----

const graphKeys = Object.keys(DATA.graphs);
const graph = () => DATA.graphs[state.graph];
const operations = () => graph().forward.length + 1 + graph().backward.length;

parts.push({
  read(address) {
    state.graph = oneOf(graphKeys, address.get("graph"), graphKeys[0]);
    state.op = wholeNumber(address.get("op"), operations());
  },
  write: () => ({ graph: state.graph, op: state.op }),
  draw: drawSteps,
  end: () => ({ op: state.op || operations() }),
});

// What operation number op does: it computes a node, or gives a responsibility to it, along an edge.
function operation(op) {
  const { forward, backward, data } = graph();
  if (op < forward.length) {
    const [node, letters, pattern, operands] = forward[op];
    const numbers = pattern.replace(/(-?)\{(\d+)\}/g, (_, sign, i) => sign + number(operands[i]));
    return { node, line: `${localize(letters)} = ${localize(numbers)} = ${number(data[node])}` };
  }
  if (op === forward.length) {
    const output = bracketed(graph().names[data.length - 1]);
    return { node: data.length - 1, grad: 1, line: `∂${output}/∂${output} = 1` };
  }
  const [from, node, letters, grad, partial, before, after] = backward[op - forward.length - 1];
  const sum = before ? `${number(before)} + ` : "";
  const line = `${localize(letters)} = ${sum}${signed(grad)} · ${signed(partial)} = ${number(after)}`;
  return { node, edge: `${node}-${from}`, grad: after, line };
}

const signed = (x) => (x < 0 ? `(${number(x)})` : number(x));
const bracketed = (name) => (name.includes(" ") ? `(${name})` : name);

function drawSteps() {
  const last = operations();
  const done = Array.from({ length: state.op }, (_, op) => operation(op));
  const now = done[done.length - 1];
  for (const figure of all("[data-graph]")) figure.hidden = figure.dataset.graph !== state.graph;
  for (const radio of all("[name=graph]")) radio.checked = radio.value === state.graph;
  $("op").max = last;
  showSlider("op", state.op, say("page_step_of", { step: state.op, last }));
  const way = say(state.op <= graph().forward.length ? "page_forward" : "page_backward");
  $("arithmetic").textContent = now ? `${way}: ${now.line}` : say("page_ready");
  const items = done.map(({ line }) => Object.assign(document.createElement("li"), { textContent: line }));
  $("log").replaceChildren(...items);
  $("log").scrollTop = $("log").scrollHeight;
  drawGraph(done, now);
}

// Write on the graph the values and responsibilities that are known by now.
function drawGraph(done, now) {
  const { data, computed, edges } = graph();
  const known = new Set(data.keys());
  const grads = new Map();
  computed.forEach((is, node) => is && known.delete(node));
  for (const { node, grad } of done) {
    known.add(node);
    if (grad !== undefined) grads.set(node, grad);
  }
  const figure = all(`[data-graph="${state.graph}"]`)[0];
  for (const group of all("[data-node]", figure)) {
    const node = Number(group.dataset.node);
    group.classList.toggle("now", node === now?.node);
    group.querySelector(".data").textContent = known.has(node) ? number(data[node]) : "";
    const grad = group.querySelector(".grad");
    if (grad) grad.textContent = grads.has(node) ? `∂ ${number(grads.get(node))}` : "";
  }
  for (const group of all("[data-edge]", figure)) {
    group.classList.toggle("now", group.dataset.edge === now?.edge);
    const text = group.querySelector("text");
    if (!text) continue;
    const partials = edges[group.dataset.edge];
    const range = [Math.min(...partials), Math.max(...partials)].map((x) => number(x, 3));
    const end = Number(group.dataset.edge.split("-")[1]);
    text.textContent = known.has(end) ? [...new Set(range)].join(" … ") : "";
  }
  if (now) bringIntoView(figure, figure.querySelector("[data-node].now"));
}

function bringIntoView(figure, node) {
  const [outer, inner] = [figure.getBoundingClientRect(), node.getBoundingClientRect()];
  if (inner.left < outer.left || inner.right > outer.right)
    figure.scrollLeft += inner.left - outer.left - outer.width / 2;
  if (inner.top < outer.top || inner.bottom > outer.bottom)
    figure.scrollTop += inner.top - outer.top - outer.height / 2;
}

for (const radio of all("[name=graph]")) radio.onchange = () => change({ graph: radio.value, op: 0 });
walkWith("op", operations);
