// The input: a text of several lines, completion, what was sent before, drafts, and posts that are
// not stored yet.

import { send } from "./connection.js";
import { byId, element } from "./dom.js";
import { quote } from "./lines.js";
import { changed, currentRoom, on, ownName, sortedRooms, state } from "./state.js";
import { t } from "./texts.js";

const input = byId("input");
const list = byId("completions");
const unsent = byId("unsent");
const MAX_CANDIDATES = 8;
const MAX_RECALLED = 50;
const DRAFT_PAUSE = 800;
const MAX_SHOWN_UNSENT = 20;

let completion = null;
let sent = [];
let recalled = -1;
let draftTimer = null;

function grow() {
  input.style.height = "auto";
  input.style.height = `${input.scrollHeight}px`;
}

function setText(text) {
  input.value = text;
  grow();
  closeCompletion();
}

function submit() {
  const text = input.value;
  if (!text.trim()) {
    return;
  }
  if (!send({ type: "input", room: state.current, text })) {
    return;
  }
  sent = [text, ...sent.filter((before) => before !== text)].slice(0, MAX_RECALLED);
  recalled = -1;
  setText("");
  keepDraft();
}

function keepDraft() {
  clearTimeout(draftTimer);
  const room = currentRoom();
  if (room && room.draft !== input.value) {
    room.draft = input.value;
    send({ type: "draft", room: room.room, text: input.value });
  }
}

/// The token before the cursor, and what it may become.
function candidates(isRequested) {
  const end = input.selectionStart;
  const [token] = /\S*$/u.exec(input.value.slice(0, end));
  const start = end - token.length;
  const room = currentRoom();
  const rest = token.slice(1).toLowerCase();
  let found = [];
  if (token.startsWith("/") && start === 0) {
    const matching = state.commands.filter((command) => command.word.startsWith(token));
    found = matching.map(({ word, argument }) => ({ text: argument ? `${word} ` : word, shown: word, more: argument }));
  } else if (token.startsWith("#")) {
    const rooms = sortedRooms().filter((known) => known.name.startsWith(rest));
    found = rooms.map(({ name }) => ({ text: `#${name} `, shown: `#${name}`, more: "" }));
  } else if (/^:[\w+-]{2,}$/u.test(token)) {
    const names = Object.keys(state.emoji).filter((name) => name.startsWith(rest));
    found = names.map((name) => ({ text: `${state.emoji[name]} `, shown: `${state.emoji[name]} :${name}:`, more: "" }));
  } else if (room && (token.startsWith("@") || (isRequested && token))) {
    const part = token.startsWith("@") ? rest : token.toLowerCase();
    const own = ownName(room);
    const names = room.members.filter((name) => name !== own && name.toLowerCase().startsWith(part));
    const text = (name) => (token.startsWith("@") ? `@${name} ` : start === 0 ? `${name}: ` : `${name} `);
    found = names.map((name) => ({ text: text(name), shown: name, more: "" }));
  }
  found = found.filter((candidate) => candidate.text.trim() !== token).slice(0, MAX_CANDIDATES);
  return { start, end, found };
}

function openCompletion(isRequested) {
  const { start, end, found } = candidates(isRequested);
  if (found.length === 0) {
    return closeCompletion();
  }
  completion = { start, end, found, at: -1 };
  list.replaceChildren(
    ...found.map((candidate, index) => {
      const more = candidate.more ? element("small", {}, ` ${candidate.more}`) : null;
      const option = element("li", { role: "option", id: `option-${index}`, "aria-selected": "false" });
      option.append(element("bdi", {}, candidate.shown), more ?? "");
      // The input keeps the focus.
      option.addEventListener("mousedown", (event) => {
        event.preventDefault();
        accept(index);
      });
      return option;
    }),
  );
  list.hidden = false;
  input.setAttribute("aria-expanded", "true");
  return true;
}

function closeCompletion() {
  completion = null;
  list.hidden = true;
  input.setAttribute("aria-expanded", "false");
  input.removeAttribute("aria-activedescendant");
  return false;
}

function move(step) {
  const count = completion.found.length;
  completion.at = completion.at < 0 && step < 0 ? count - 1 : (completion.at + step + count) % count;
  [...list.children].forEach((option, index) => option.setAttribute("aria-selected", String(index === completion.at)));
  input.setAttribute("aria-activedescendant", `option-${completion.at}`);
}

function accept(index) {
  const { start, end, found } = completion;
  input.setRangeText(found[index].text, start, end, "end");
  grow();
  closeCompletion();
  keepSoon();
}

function keepSoon() {
  clearTimeout(draftTimer);
  draftTimer = setTimeout(keepDraft, DRAFT_PAUSE);
}

function recall(step) {
  recalled = Math.min(Math.max(recalled + step, -1), sent.length - 1);
  setText(recalled < 0 ? "" : sent[recalled]);
}

function onKey(event) {
  if (event.isComposing || event.ctrlKey || event.metaKey || event.altKey) {
    return;
  }
  const isOpen = completion !== null;
  if (event.key === "Enter" && !event.shiftKey) {
    if (isOpen && completion.at >= 0) {
      accept(completion.at);
    } else {
      submit();
    }
  } else if (event.key === "Tab" && !event.shiftKey && (isOpen || openCompletion(true))) {
    if (completion.found.length === 1 || completion.at >= 0) {
      accept(Math.max(completion.at, 0));
    } else {
      move(1);
    }
  } else if (event.key === "ArrowDown" && isOpen) {
    move(1);
  } else if (event.key === "ArrowUp" && isOpen) {
    move(-1);
  } else if (event.key === "ArrowUp" && (input.value === "" || recalled >= 0)) {
    recall(1);
  } else if (event.key === "ArrowDown" && recalled >= 0) {
    recall(-1);
  } else if (event.key === "Escape" && isOpen) {
    closeCompletion();
  } else {
    return;
  }
  event.preventDefault();
}

function showUnsent() {
  const room = currentRoom();
  const texts = room?.unsent ?? [];
  unsent.replaceChildren(
    ...texts.slice(0, MAX_SHOWN_UNSENT).map((text) =>
      element("li", {}, element("span", { dir: "auto" }, text), element("small", {}, ` ${t("not_stored")}`)),
    ),
  );
  unsent.hidden = texts.length === 0;
}

export function startComposer() {
  byId("composer").addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
    input.focus();
  });
  input.addEventListener("keydown", onKey);
  input.addEventListener("input", () => {
    recalled = -1;
    grow();
    openCompletion(false);
    keepSoon();
  });
  input.addEventListener("blur", () => {
    closeCompletion();
    keepDraft();
  });
  on("current", (before) => {
    const left = state.rooms.get(before);
    if (left && left.draft !== input.value) {
      left.draft = input.value;
      send({ type: "draft", room: left.room, text: input.value });
    }
    const room = currentRoom();
    setText(room?.draft ?? "");
    input.placeholder = room ? t("message_to", { room: `#${room.name}` }) : t("message_first");
    showUnsent();
  });
  on("unsent", showUnsent);
  on("reply", (entry) => {
    setText(quote(entry) + input.value);
    input.focus();
    changed("drawers");
  });
}
