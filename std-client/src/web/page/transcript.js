// The transcript of the room that is shown: a window over its history. Only some hundred lines are
// elements; scrolling requests others, and drops those at the far end.

import { send, request } from "./connection.js";
import { byId, button, element } from "./dom.js";
import { createLine, createNotice, decorate, isPost, isText } from "./lines.js";
import { changed, compare, currentRoom, on, ownName, placeOf, state } from "./state.js";
import { t } from "./texts.js";

const MAX_LINES = 400;
// Lines that are appended in one frame. Of more, only the last ones are shown, with those before
// them to be scrolled to.
const MAX_APPENDED = 100;
// The distance from an end at which more lines are requested, in screens.
const MARGIN = 1.5;
const AT_END = 32;

const scroller = byId("transcript");
const toEnd = byId("to-end");
const lines = element("div", { id: "lines" });
scroller.append(lines);

let room = null;
let hasEarlier = false;
let hasLater = false;
let isOffline = false;
let isLoading = false;
let follows = true;
let generation = 0;
let arrived = [];
let frame = null;
let unreadAfter = null;
const places = new Map();

const entryLines = () => lines.querySelectorAll(".line[data-seq]");
const firstLine = () => lines.querySelector(".line[data-seq]");
const lastLine = () => {
  let line = lines.lastElementChild;
  while (line && !line.entry) {
    line = line.previousElementSibling;
  }
  return line;
};

/// The entry that the keyboard has selected.
export const selected = () => lines.querySelector(".selected")?.entry ?? null;

/// Shows a room: where it was left, or at its end.
function open() {
  room = currentRoom();
  clear();
  if (!room) {
    const join = button(t("join"), () => changed("join"));
    lines.append(element("div", { class: "welcome" }, element("p", {}, t("no_rooms")), join));
    return;
  }
  const known = places.get(room.name + room.room);
  const read = room.read.seq > 0 ? room.read : null;
  unreadAfter = room.unread > 0 ? read : null;
  if (known) {
    load({ around: known.place }, () => restore(known));
  } else {
    load("newest", () => stick());
  }
}

function clear() {
  generation += 1;
  lines.replaceChildren();
  [hasEarlier, hasLater, isOffline, isLoading, follows] = [false, false, false, false, true];
  arrived = [];
  toEnd.hidden = true;
}

/// Replaces the window by another part of the history.
function load(part, then) {
  const loaded = generation;
  isLoading = true;
  scroller.setAttribute("aria-busy", "true");
  request({ type: "page", room: room.room, part }, (page) => {
    if (loaded !== generation) {
      return;
    }
    lines.replaceChildren(...page.entries.map((entry) => createLine(entry, ownName(room))));
    decorateAll();
    [hasEarlier, hasLater, isOffline] = [page.has_earlier, page.has_later, page.is_offline];
    if (!hasLater) {
      room.notices.forEach((notice) => lines.append(createNotice(notice)));
    }
    markUnread();
    isLoading = false;
    scroller.removeAttribute("aria-busy");
    then?.();
    settle();
  });
}

/// Shows the entry at a place, and selects it.
export function goTo(place) {
  follows = false;
  load({ around: place }, () => {
    const line = byId(`e-${place.log}-${place.seq}`);
    select(line);
    line?.scrollIntoView({ block: "center" });
    follows = false;
  });
}

/// Shows the end.
export function goToEnd() {
  if (hasLater) {
    clear();
    load("newest", () => stick());
  } else {
    stick();
    settle();
  }
}

function stick() {
  follows = true;
  scroller.scrollTop = scroller.scrollHeight;
}

/// Changes the height of lines. What is visible stays where it is, or the end stays visible.
function keepInPlace(change) {
  const top = scroller.getBoundingClientRect().top;
  const anchor = follows ? null : [...entryLines()].find((line) => line.getBoundingClientRect().bottom > top);
  const before = anchor?.getBoundingClientRect().top;
  change();
  if (follows) {
    stick();
  } else if (anchor) {
    scroller.scrollTop += anchor.getBoundingClientRect().top - before;
  }
}

function restore(known) {
  const line = byId(`e-${known.place.log}-${known.place.seq}`);
  if (line) {
    follows = false;
    scroller.scrollTop += line.getBoundingClientRect().top - known.top;
  } else {
    stick();
  }
}

/// Notes where the room is left.
function leave() {
  if (!room) {
    return;
  }
  const top = scroller.getBoundingClientRect().top;
  const key = room.name + room.room;
  const line = follows ? null : [...entryLines()].find((line) => line.getBoundingClientRect().bottom > top);
  if (line) {
    places.set(key, { place: placeOf(line.entry), top: line.getBoundingClientRect().top });
  } else {
    places.delete(key);
  }
}

function decorateAll() {
  let before = null;
  for (const line of entryLines()) {
    decorate(line, before);
    before = line.entry;
  }
}

function markUnread() {
  lines.querySelector(".unread-line")?.remove();
  if (!unreadAfter) {
    return;
  }
  const first = [...entryLines()].find((line) => compare(line.entry, unreadAfter) > 0 && isText(line.entry));
  if (first && !first.entry.own) {
    first.before(element("div", { class: "unread-line", role: "separator" }, t("unread_line")));
  }
}

/// Requests what is missing near the part that is visible.
function settle() {
  toEnd.hidden = follows || (!hasLater && isAtEnd());
  markRead();
  if (isLoading || !room) {
    return;
  }
  const margin = MARGIN * scroller.clientHeight;
  if (hasEarlier && scroller.scrollTop < margin && firstLine()) {
    extend("before", placeOf(firstLine().entry));
  } else if (hasLater && below() < margin && lastLine()) {
    extend("after", placeOf(lastLine().entry));
  }
}

const below = () => scroller.scrollHeight - scroller.clientHeight - scroller.scrollTop;
const isAtEnd = () => below() <= AT_END;

function extend(direction, place) {
  const loaded = generation;
  isLoading = true;
  scroller.setAttribute("aria-busy", "true");
  request({ type: "page", room: room.room, part: { [direction]: place } }, (page) => {
    if (loaded !== generation) {
      return;
    }
    isOffline = page.is_offline;
    if (direction === "before") {
      hasEarlier = page.has_earlier;
      prepend(page.entries);
    } else {
      hasLater = page.has_later && page.entries.length > 0;
      append(page.entries);
    }
    isLoading = false;
    scroller.removeAttribute("aria-busy");
    settle();
  });
}

/// Adds lines at the top. What is visible stays where it is.
function prepend(entries) {
  const first = firstLine();
  const top = first?.getBoundingClientRect().top ?? 0;
  const fragment = document.createDocumentFragment();
  let before = null;
  for (const entry of entries) {
    const line = createLine(entry, ownName(room));
    decorate(line, before);
    fragment.append(line);
    before = entry;
  }
  lines.prepend(fragment);
  if (first) {
    decorate(first, before);
    scroller.scrollTop += first.getBoundingClientRect().top - top;
  }
  let excess = lines.childElementCount - MAX_LINES;
  while (excess-- > 0) {
    lines.lastElementChild.remove();
    hasLater = true;
  }
}

/// Adds lines at the bottom. What is visible stays where it is, or the end stays visible.
function append(entries) {
  const fragment = document.createDocumentFragment();
  let before = lastLine()?.entry ?? null;
  for (const entry of entries) {
    if (before && compare(entry, before) <= 0) {
      continue;
    }
    const line = createLine(entry, ownName(room));
    decorate(line, before);
    fragment.append(line);
    before = entry;
  }
  lines.append(fragment);
  dropFirst(lines.childElementCount - MAX_LINES);
  markUnread();
  if (follows) {
    stick();
  }
}

function dropFirst(count) {
  if (count <= 0) {
    return;
  }
  const kept = lines.children[count];
  const top = kept.getBoundingClientRect().top;
  for (let dropped = 0; dropped < count; dropped += 1) {
    lines.firstElementChild.remove();
  }
  hasEarlier = true;
  if (!follows) {
    scroller.scrollTop += kept.getBoundingClientRect().top - top;
  }
}

/// Takes entries as they come in, and shows them with the next frame.
function onEntries(message) {
  for (const entry of message.entries.filter((entry) => entry.removed !== undefined)) {
    removeText(message.room, entry);
  }
  if (message.room !== room?.room || isLoading) {
    // What is being loaded has them, or shows that it does not.
    hasLater ||= message.room === room?.room && lines.childElementCount > 0;
    return;
  }
  if (hasLater) {
    return settle();
  }
  const last = arrived.at(-1) ?? lastLine()?.entry;
  if (message.after && (!last || compare(last, message.after) < 0)) {
    // Some were left out.
    hasLater = true;
    return follows ? goToEnd() : settle();
  }
  arrived.push(...message.entries);
  frame ??= requestAnimationFrame(showArrived);
  return undefined;
}

function showArrived() {
  frame = null;
  const entries = arrived;
  arrived = [];
  if (entries.length > MAX_APPENDED && follows) {
    lines.replaceChildren();
    hasEarlier = true;
  }
  append(entries.slice(follows ? -MAX_APPENDED : 0, follows ? undefined : MAX_APPENDED));
  hasLater = !follows && entries.length > MAX_APPENDED;
  settle();
}

function removeText(id, removal) {
  if (id !== room?.room) {
    return;
  }
  const line = byId(`e-${removal.log}-${removal.removed}`);
  if (line) {
    const entry = { ...line.entry, kind: "removed" };
    delete entry.text;
    delete entry.file;
    const changed = createLine(entry, ownName(room));
    line.replaceWith(changed);
    decorate(changed, previous(changed)?.entry ?? null);
  }
}

function previous(line) {
  let before = line.previousElementSibling;
  while (before && !before.entry) {
    before = before.previousElementSibling;
  }
  return before;
}

/// What is displayed to its end, in a window that somebody looks at, is read.
function markRead() {
  const last = lastLine()?.entry;
  if (!last || !follows || hasLater || !document.hasFocus() || document.hidden) {
    return;
  }
  if (compare(last, room.read) > 0) {
    room.read = placeOf(last);
    send({ type: "read", room: room.room, place: room.read });
  }
}

function select(line) {
  lines.querySelector(".selected")?.classList.remove("selected");
  lines.querySelector(".actions")?.remove();
  line?.classList.add("selected");
  if (line && isPost(line.entry)) {
    line.append(actionsOf(line.entry));
  }
  if (line?.id) {
    scroller.setAttribute("aria-activedescendant", line.id);
  } else {
    scroller.removeAttribute("aria-activedescendant");
  }
}

/// Buttons for what can be done with a message.
function actionsOf(entry) {
  const type = (text) => send({ type: "input", room: room.room, text });
  const reply = isText(entry) ? button(t("reply"), () => changed("reply", entry), { class: "small" }) : "";
  const other = entry.own
    ? button(t("delete"), () => type(`/delete ${entry.seq}`), { class: "small" })
    : button(t("ignore"), () => type(`/ignore ${entry.author}`), { class: "small" });
  return element("div", { class: "actions" }, reply, other);
}

function onKey(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target !== scroller) {
    return;
  }
  const all = [...entryLines()];
  const at = all.findIndex((line) => line.classList.contains("selected"));
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (step) {
    const next = at < 0 ? all.length - 1 : Math.min(Math.max(at + step, 0), all.length - 1);
    select(all[next]);
    all[next]?.scrollIntoView({ block: "nearest" });
  } else if (event.key === "End") {
    goToEnd();
  } else if ((event.key === "Enter" || event.key === "r") && at >= 0) {
    changed("reply", all[at].entry);
  } else if (event.key === "Delete" && at >= 0 && all[at].entry.own) {
    send({ type: "input", room: room.room, text: `/delete ${all[at].entry.seq}` });
  } else if (event.key === "Escape") {
    select(null);
    byId("input").focus();
  } else {
    return;
  }
  event.preventDefault();
}

export function startTranscript() {
  scroller.addEventListener("scroll", () => {
    follows = !hasLater && isAtEnd();
    settle();
  }, { passive: true });
  scroller.addEventListener("keydown", onKey);
  lines.addEventListener("click", (event) => {
    const line = event.target.closest(".line[data-seq]");
    if (line && !event.target.closest("a, button") && getSelection().isCollapsed) {
      select(line.classList.contains("selected") ? null : line);
    }
  });
  lines.addEventListener("dblclick", (event) => {
    const line = event.target.closest(".line[data-seq]");
    if (line && isText(line.entry)) {
      changed("reply", line.entry);
    }
  });
  new ResizeObserver(() => {
    if (follows) {
      stick();
    }
    settle();
  }).observe(scroller);
  toEnd.addEventListener("click", goToEnd);
  window.addEventListener("focus", markRead);
  document.addEventListener("visibilitychange", markRead);
  on("current", () => {
    leave();
    open();
  });
  on("entries", onEntries);
  on("grow", keepInPlace);
  on("reset", (id) => {
    if (id === room?.room) {
      clear();
      load("newest", () => stick());
    }
  });
  on("notice", (id, notice) => {
    if (id === room?.room && !hasLater && !isLoading) {
      lines.append(createNotice(notice));
      if (follows) {
        stick();
      }
    }
  });
  on("servers", () => {
    if (isOffline && room && state.isConnected) {
      isOffline = false;
      hasEarlier ||= lines.childElementCount > 0 && firstLine()?.entry.seq > 1;
    }
  });
}
