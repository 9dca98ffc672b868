// ---- descent.js: the descent that is walked, and what is said of it ----

const descent = DATA.descent;
const motionless = matchMedia("(prefers-reduced-motion: reduce)").matches;
const run = () => descent.runs[state.loss][state.start][state.rate];
const lastStep = () => run().steps.length - 1;
const rateAtFirst = (loss) => descent.presets[loss].good ?? Math.floor(descent.rates.length / 2);
let timer = 0;

parts.push({
  read(address) {
    state.loss = oneOf(descent.losses, address.get("loss"), descent.losses[0]);
    const rate = Number(address.get("rate"));
    const given = rate > 0 && Number.isFinite(rate);
    state.rate = given ? nearest(descent.rates, rate) : rateAtFirst(state.loss);
    state.start = wholeNumber(address.get("start"), descent.starts.length - 1);
    state.step = wholeNumber(address.get("step"), lastStep());
  },
  write() {
    const { loss, start, step } = state;
    return { loss, rate: descent.rates[state.rate], start, step };
  },
  draw: drawDescent,
  end: () => ({ step: state.step || lastStep() }),
});

// The place of the number that is nearest to x, as ratios go.
function nearest(numbers, x) {
  const distances = numbers.map((one) => Math.abs(Math.log(one / x)));
  return distances.indexOf(Math.min(...distances));
}

function drawDescent() {
  state.step = Math.min(state.step, lastStep());
  const walked = run().steps.slice(0, state.step + 1);
  $("descent").dataset.loss = state.loss;
  drawControls();
  writeVerdict();
  const [w1, w2, output, error, g1, g2] = walked[state.step];
  const cells = { w1, w2, output, error, g1, g2 };
  for (const [name, x] of Object.entries(cells)) $(`is-${name}`).textContent = number(x);
  drawPath(walked);
  drawCurve(walked);
  drawSurface(walked);
}

function drawControls() {
  const [a, b] = descent.starts[state.start];
  $("step").max = lastStep();
  showSlider("rate", state.rate, `η = ${number(descent.rates[state.rate])}`);
  showSlider("start", state.start, `w1 = ${number(a)}, w2 = ${number(b)}`);
  showSlider("step", state.step, say("page_step_of", { step: state.step, last: lastStep() }));
  for (const radio of all("[name=loss]")) radio.checked = radio.value === state.loss;
  for (const button of all("[data-preset]")) {
    const place = descent.presets[state.loss][button.dataset.preset];
    button.disabled = place === null;
    button.setAttribute("aria-pressed", place === state.rate);
  }
  $("play").textContent = say(timer ? "page_pause" : "page_play");
}

// What becomes of the descent, what is said of a preset, and how the rate compares with the bound.
function writeVerdict() {
  const { verdict, count } = run();
  const one = count === 1 && verdict === "reached" ? "_one" : "";
  const outcome = say(`page_is_${verdict}${one}`, { steps: count, limit: lastStep() });
  const presets = Object.entries(descent.presets[state.loss]);
  const named = state.start === 0 && presets.findLast(([, place]) => place === state.rate);
  const sentence = named ? say(`page_${named[0]}_text`) : "";
  $("verdict").textContent = `η = ${number(descent.rates[state.rate])}: ${outcome} ${sentence}`;
  $("bound").textContent = sayBound(descent.rates[state.rate]);
}

function sayBound(rate) {
  const { bound, curvature, jump, verdict } = run();
  if (bound === null) return say("page_flat");
  const numbers = { rate, bound, curvature, jump, width: 2 * descent.zone };
  const diverges = verdict === "diverges";
  if (state.loss === "squared") {
    if (diverges) return say(rate > bound ? "page_squared_wild" : "page_squared_far", numbers);
    return say(rate < bound ? "page_squared_below" : "page_squared_above", numbers);
  }
  if (diverges) return say("page_absolute_wild");
  const fits = verdict === "bounces" ? "maybe" : "fits";
  return say(`page_absolute_${jump > numbers.width ? "jumps" : fits}`, numbers);
}

function play() {
  if (timer) return pause();
  if (motionless) return change({ step: lastStep() });
  timer = setInterval(() => {
    change({ step: Math.min(lastStep(), state.step + 1) });
    if (state.step === lastStep()) pause();
  }, 350);
  change({ step: state.step === lastStep() ? 0 : state.step });
}

function pause() {
  clearInterval(timer);
  timer = 0;
  drawControls();
}

const walkAnew = (changes) => change({ ...changes, step: Infinity });
$("rate").max = descent.rates.length - 1;
$("start").max = descent.starts.length - 1;
$("rate").oninput = () => walkAnew({ rate: Number($("rate").value) });
$("start").oninput = () => walkAnew({ start: Number($("start").value) });
walkWith("step", lastStep);
$("play").onclick = play;
for (const radio of all("[name=loss]"))
  radio.onchange = () => walkAnew({ loss: radio.value, rate: rateAtFirst(radio.value) });
for (const button of all("[data-preset]"))
  button.onclick = () => walkAnew({ rate: descent.presets[state.loss][button.dataset.preset], start: 0 });
