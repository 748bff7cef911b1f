// The texts of the page, in one language. A text for a number has the forms KEY_one and KEY_other.

let texts = {};
let plural = new Intl.PluralRules("en");
let language = "en";

/// Loads the texts and puts them into the elements that name them.
export async function loadTexts() {
  const response = await fetch("/texts.json");
  if (!response.ok) {
    location.replace("/enter");
    return;
  }
  texts = await response.json();
  language = texts._language;
  plural = new Intl.PluralRules(language);
  document.documentElement.lang = language;
  for (const element of document.querySelectorAll("[data-text]")) {
    element.textContent = t(element.dataset.text);
  }
  for (const element of document.querySelectorAll("[data-label]")) {
    element.setAttribute("aria-label", t(element.dataset.label));
    if (element.tagName === "BUTTON") {
      element.title = t(element.dataset.label);
    }
  }
}

export const has = (key) => key in texts || `${key}_other` in texts;

/// Returns the text of a key, with values in place of {NAME}.
export function t(key, values = {}) {
  const form = values.count === undefined ? key : `${key}_${plural.select(Number(values.count))}`;
  const text = texts[form] ?? texts[`${key}_other`] ?? texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

/// Returns a number of bytes, rounded down, as the program itself writes it.
export function sizeOf(bytes) {
  let [value, unit] = [bytes, 0];
  for (; value >= 1024; unit += 1) {
    value /= 1024;
  }
  const digits = unit > 0 && value < 10 ? 1 : 0;
  const rounded = Math.floor(value * 10 ** digits) / 10 ** digits;
  return `${rounded.toLocaleString(language, { minimumFractionDigits: digits })} ${UNITS[unit]}`;
}

/// Returns a duration: 3:05, or 1:03:05.
export function durationOf(ms) {
  const seconds = Math.floor(ms / 1000);
  const two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}

const format = (options) => {
  let made = null;
  let madeFor = null;
  return (time) => {
    if (madeFor !== language) {
      [made, madeFor] = [new Intl.DateTimeFormat(language, options), language];
    }
    return made.format(valid(time));
  };
};

// A server may send times that no date has.
const valid = (time) => (Math.abs(time) <= 8.64e15 ? time : 0);

export const timeOf = format({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
export const dayOf = format({ weekday: "long", year: "numeric", month: "long", day: "numeric" });
export const momentOf = format({ dateStyle: "medium", timeStyle: "short" });
export const isoOf = (time) => new Date(valid(time)).toISOString();
