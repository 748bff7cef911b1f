// Elements. Text is only ever set as text: nothing here takes markup.

export const byId = (id) => document.getElementById(id);

/// Creates an element with attributes and children. Strings become text nodes.
export function element(name, attributes = {}, ...children) {
  const created = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "onclick") {
      created.addEventListener("click", value);
    } else if (value === true) {
      created.setAttribute(key, "");
    } else if (value !== false && value !== null && value !== undefined) {
      created.setAttribute(key, value);
    }
  }
  created.append(...children.filter((child) => child !== null && child !== undefined));
  return created;
}

/// Creates an element whose direction does not depend on its surroundings, for a name from a room.
export const isolated = (text, attributes = {}) => element("bdi", attributes, text);

/// Creates a button.
export const button = (text, onclick, attributes = {}) =>
  element("button", { type: "button", onclick, ...attributes }, text);

/// Returns the number of the colour of a name, which depends on the name alone.
export function colourOf(name) {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(name)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  }
  return (hash >>> 8) % 8;
}

const isPart = (character) => character !== undefined && /[\p{L}\p{N}]/u.test(character);

/// Returns the ranges of `text` in which `name` is a word, in any case.
export function mentions(text, name) {
  const found = [];
  if (!name) {
    return found;
  }
  const [lower, word] = [text.toLowerCase(), name.toLowerCase()];
  if (lower.length !== text.length) {
    return found;
  }
  for (let at = lower.indexOf(word); at >= 0; at = lower.indexOf(word, at + word.length)) {
    const end = at + word.length;
    if (!isPart(text[at - 1]) && !isPart(text[end])) {
      found.push([at, end]);
    }
  }
  return found;
}
