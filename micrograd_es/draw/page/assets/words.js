"use strict";
// ---- words.js: sentences and numbers, as the reader's language writes them ----

const DATA = JSON.parse(document.getElementById("data").textContent);
const $ = (id) => document.getElementById(id);
const all = (selector, root = document) => [...root.querySelectorAll(selector)];

function number(x, digits = 4) {
  const size = Math.abs(x);
  if (size === 0 || (size >= 1e-4 && size < 1e6)) return localize(String(Number(x.toPrecision(digits))));
  const [factor, power] = x.toExponential(2).split("e");
  return `${localize(factor)}·${powerOfTen(Number(power))}`;
}

const powerOfTen = (power) =>
  `10${[...String(power)].map((sign) => "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"["-0123456789".indexOf(sign)]).join("")}`;

// A text with a true minus sign, and with the decimal sign of the language.
function localize(text) {
  const signed = text.replace(/-(?=[\d(]|$)/g, "−");
  return state.lang === "es" ? signed.replace(/(\d)\.(?=\d)/g, "$1,") : signed;
}

function say(key, blanks = {}) {
  return DATA.text[state.lang][key].replace(/\{(\w+)\}/g, (_, name) =>
    typeof blanks[name] === "number" ? number(blanks[name]) : blanks[name]);
}

// Write every text anew: data-t is the sentence of an element, data-l its label, data-n its number.
function translate() {
  document.documentElement.lang = state.lang;
  document.title = say(DATA.title, DATA.parts);
  for (const element of all("[data-t]")) element.textContent = say(element.dataset.t, DATA.parts);
  for (const element of all("[data-l]")) element.setAttribute("aria-label", say(element.dataset.l));
  for (const element of all("[data-n]")) element.textContent = number(Number(element.dataset.n));
  for (const button of all("[data-lang]"))
    button.setAttribute("aria-pressed", button.dataset.lang === state.lang);
}
