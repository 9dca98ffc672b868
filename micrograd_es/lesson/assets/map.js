// ---- map.js: the error seen from above, and the error of every step ----

const { low, high, x: input, target, zone } = descent;
const LEVELS = 6; // level lines: the edge of the zone, and from there at least twice as far each
const SHADES = 8; // the colours h0 … h7
const px = (w) => 20 + (400 * (w - low)) / (high - low);
const at = ([w1, w2]) => [px(w1), 440 - px(w2)]; // the place of two weights on the map
const pairs = (points) => points.map(([x, y]) => `${x.toFixed(1)},${y.toFixed(1)}`).join(" ");
const dots = (points) =>
  points.map(([x, y]) => `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3"/>`).join("");

function set(id, attributes) {
  for (const [name, value] of Object.entries(attributes)) $(id).setAttribute(name, value);
}

function text(x, y, content, anchor = "middle", attributes = "") {
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}" ${attributes}>${content}</text>`;
}

// The path of an arrow that points uphill and is as long as the slope, up to `longest` pixels. It
// starts at (x, y), or has its middle there.
function arrow([x, y], [g1, g2], scale, longest, head, centred) {
  const slope = Math.hypot(g1, g2);
  const length = Math.min(longest, scale * slope);
  if (length < 1) return "";
  const [u, v] = [g1 / slope, -g2 / slope];
  const back = centred ? length / 2 : 0;
  const [tailX, tailY] = [x - back * u, y - back * v];
  const tip = `${(tailX + length * u).toFixed(1)} ${(tailY + length * v).toFixed(1)}`;
  const size = Math.min(head, length / 2);
  const barb = (side) => `l${(-size * (u - (side * v) / 2)).toFixed(1)} ${(-size * (v + (side * u) / 2)).toFixed(1)}`;
  return `M${tailX.toFixed(1)} ${tailY.toFixed(1)}L${tip}${barb(1)}M${tip}${barb(-1)}`;
}

// Pixels for each unit of slope: the arrow at the start of the lesson is as long as a cell.
function arrowScale(loss) {
  const [, , , , g1, g2] = descent.runs[loss][0][0].steps[0];
  return 400 / descent.places.length / (Math.hypot(g1, g2) || 1);
}

// The outlines of |ŷ − t| ≤ distance for w1 > 0 and for w1 < 0. As ŷ = x·w1·w2, it holds for each w1
// from w2 = (t − distance)/(x·w1) to (t + distance)/(x·w1).
function regions(distance) {
  if (!input) return [];
  const beyond = 1.05 * high;
  const ends = [(target - distance) / input, (target + distance) / input].sort((a, b) => a - b);
  const across = [...Array.from({ length: 33 }, (_, i) => beyond * 1.13 ** -i), 1e-9 * high];
  return [1, -1].map((sign) => {
    const [below, above] = ends.map((end) => across.map((w) => [sign * w, clip((sign * end) / w, -beyond, beyond)]));
    return [...above, ...below.reverse()];
  });
}

// The heights of a level line, one for each loss, where both weights are equal and negative.
function levelNumbers(distance) {
  const place = Math.sqrt((target + distance) / input);
  if (!(place <= 0.95 * high)) return "";
  const [x, y] = at([-place, -place]);
  const heights = { absolute: distance, squared: distance ** 2 };
  return Object.entries(heights)
    .map(([loss, e]) => text(x, y + 4, "", "middle", `class="height ${loss}" data-n="${e}"`))
    .join("");
}

function drawLandscape() {
  const corner = Math.abs(input) * high * high + Math.abs(target);
  const ratio = Math.max(2, (corner / zone) ** (1 / LEVELS));
  const distances = Array.from({ length: LEVELS }, (_, k) => Number((zone * ratio ** k).toPrecision(2)));
  const region = (distance, k) => regions(distance)
    .map((outline) => `<polygon class="${k ? `level h${k}` : "zone"}" points="${pairs(outline.map(at))}"/>`)
    .join("");
  const places = descent.places.flatMap((w2) => descent.places.map((w1) => at([w1, w2])));
  const field = (loss) => descent.fields[loss]
    .map((gradient, i) => arrow(places[i], gradient, arrowScale(loss), 30, 6, true))
    .join("");
  const [x, y] = at([0, 0]);
  $("landscape").innerHTML = [
    `<rect class="h${SHADES - 1}" x="20" y="20" width="400" height="400"/>`,
    ...distances.map(region).reverse(),
    ...descent.losses.map((loss) => `<path class="field ${loss}" d="${field(loss)}"/>`),
    ...distances.slice(1).map(levelNumbers),
    input && target ? text(x, y + 5, "×") : "", // else (0, 0) is no saddle
    '<rect class="axis" x="20" y="20" width="400" height="400"/>',
  ].join("");
  const ticks = [low, 0, high].map((w) => {
    const along = text(px(w), 438, "", "middle", `data-n="${w}"`);
    return along + text(14, 445 - px(w), "", "end", `data-n="${w}"`);
  });
  $("ticks").innerHTML = ticks.join("") + text(320, 438, "w1") + text(14, 125, "w2", "end");
}

function drawPath(walked) {
  const far = 3 * (high - low); // a line that ends beyond it looks endless
  const points = walked.map(([w1, w2]) => at([clip(w1, -far, far), clip(w2, -far, far)]));
  const [x, y] = points[points.length - 1];
  const [, , , , g1, g2] = walked[walked.length - 1];
  set("path", { points: pairs(points) });
  $("dots").innerHTML = dots(points);
  set("here", { cx: x, cy: y });
  set("uphill", { d: arrow([x, y], [g1, g2], arrowScale(state.loss), 60, 8, false) });
}

// The error as a power of ten, from 10⁻⁸ to 10⁸; what does not fit stays at the edge.
const POWER = 8;
const curveY = (power) => 95 - (75 * power) / POWER;
const curveX = (step) => 60 + (360 * step) / descent.limit;

function drawScale() {
  const lines = [];
  for (let power = -POWER; power <= POWER; power += 2) {
    lines.push(`<path class="axis" d="M60 ${curveY(power)}H420"/>`);
    lines.push(text(54, curveY(power) + 5, powerOfTen(power), "end"));
  }
  for (const step of [0, descent.limit / 2, descent.limit])
    lines.push(text(curveX(step), 190, "", "middle", `data-n="${step}"`));
  $("scale").innerHTML = lines.join("");
}

function drawCurve(walked) {
  const power = (error) => clip(Math.log10(Math.max(error, 1e-300)), -POWER, POWER);
  const points = walked.map((step, i) => [curveX(i), curveY(power(step[3]))]);
  const [x, y] = points[points.length - 1];
  set("curve-line", { points: pairs(points) });
  set("curve-here", { cx: x, cy: y });
}

drawLandscape();
drawScale();
