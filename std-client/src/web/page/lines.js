// A line of the transcript: an entry, as elements. Everything that comes from a room is text.

import { createFile } from "./contents.js";
import { colourOf, element, isolated, mentions } from "./dom.js";
import { dayOf, isoOf, momentOf, t, timeOf } from "./texts.js";

const LINK = /\bhttps?:\/\/[^\s<>"'`\u0000-\u001f]+/gi;
// What usually belongs to the sentence and not to the link.
const AFTER_LINK = /[.,;:!?)\]}\u2026]+$/u;
const CONTINUES_FOR = 5 * 60 * 1000;
const MAX_QUOTED_LINES = 3;
const MAX_QUOTED = 200;

/// Whether an entry is written by a person.
export const isText = (entry) => entry.kind === "text" || entry.kind === "action";

/// Whether an entry is of a person, who may remove it: a text or a file.
export const isPost = (entry) => isText(entry) || entry.file !== undefined;

/// Creates the element of an entry. `own`: the user's name.
export function createLine(entry, own) {
  const line = element("div", {
    class: `line ${classOf(entry)}`,
    id: `e-${entry.log}-${entry.seq}`,
    "data-log": entry.log,
    "data-seq": entry.seq,
  });
  const time = element("time", { datetime: isoOf(entry.time_ms), title: momentOf(entry.time_ms) }, timeOf(entry.time_ms));
  line.append(time);
  if (entry.kind === "text" || entry.kind === "operator") {
    const name = isolated(entry.author, { class: `author c${colourOf(entry.author)}` });
    line.append(name, " ", body(entry, own));
  } else if (entry.file) {
    const name = isolated(entry.author, { class: `author c${colourOf(entry.author)}` });
    line.append(name, " ", createFile(entry));
  } else {
    line.append(system(entry, own));
  }
  line.entry = entry;
  return line;
}

const continuable = (entry) => entry.kind === "text" || entry.file !== undefined;

/// Puts the day above a line, and leaves the author out if it continues the line before it.
export function decorate(line, before) {
  const entry = line.entry;
  const day = dayOf(entry.time_ms);
  const isNewDay = !before || dayOf(before.time_ms) !== day;
  let heading = line.querySelector(":scope > .day");
  if (isNewDay && !heading) {
    heading = element("div", { class: "day", role: "separator" });
    line.prepend(heading);
  }
  if (isNewDay) {
    heading.textContent = day;
  } else {
    heading?.remove();
  }
  const continues =
    !isNewDay &&
    continuable(entry) &&
    continuable(before) &&
    before.author === entry.author &&
    entry.time_ms - before.time_ms < CONTINUES_FOR;
  line.classList.toggle("continued", continues);
}

/// Creates the element of a notice.
export function createNotice(notice) {
  const kind = notice.isError ? "notice error" : "notice";
  const time = element("time", { datetime: isoOf(notice.time) }, timeOf(notice.time));
  return element("div", { class: `line ${kind}` }, time, element("span", { class: "body", dir: "auto" }, notice.text));
}

/// Returns the beginning of a reply.
export function quote(entry) {
  const lines = (entry.text ?? "").split("\n").filter((line) => line.trim() && !line.startsWith("> "));
  const quoted = lines.slice(0, MAX_QUOTED_LINES).map((line) => `> ${line.slice(0, MAX_QUOTED)}\n`);
  if (lines.length > MAX_QUOTED_LINES) {
    quoted.push("> \u2026\n");
  }
  return quoted.length > 0 ? `> ${entry.author}: ${quoted.join("").slice(2)}` : "";
}

function classOf(entry) {
  const classes = [];
  if (entry.mention) {
    classes.push("mention");
  }
  if (entry.own) {
    classes.push("own");
  }
  if (entry.hidden) {
    classes.push("ignored");
  }
  if (entry.kind === "operator") {
    classes.push("operator");
  } else if (entry.kind !== "text" && !entry.file) {
    classes.push("system");
  }
  if (entry.kind === "joined" || entry.kind === "left") {
    classes.push("presence");
  }
  return classes.join(" ");
}

/// The text of an entry. Quoted lines are set apart.
function body(entry, own) {
  const shown = element("span", { class: "body", dir: "auto" });
  if (entry.text === undefined) {
    shown.append(element("em", {}, t("entry_too_large", { size: entry.size ?? 0 })));
    return shown;
  }
  for (const part of entry.text.split(/((?:^> .*(?:\n|$))+)/m)) {
    if (part.startsWith("> ")) {
      const text = part.replace(/^> /gm, "").replace(/\n$/, "");
      shown.append(element("q", { class: "quote" }, ...inline(text, own)));
    } else if (part) {
      shown.append(...inline(part, own));
    }
  }
  return shown;
}

/// Text with links and mentions.
function inline(text, own) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(LINK)) {
    const address = match[0].replace(AFTER_LINK, "");
    const link = linkTo(address);
    if (link) {
      nodes.push(...marked(text.slice(at, match.index), own), link);
      at = match.index + address.length;
    }
  }
  nodes.push(...marked(text.slice(at), own));
  return nodes;
}

function linkTo(address) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return null;
  }
  const attributes = { href: url.href, target: "_blank", rel: "noopener noreferrer", dir: "ltr" };
  return element("a", attributes, address);
}

function marked(text, own) {
  const nodes = [];
  let at = 0;
  for (const [start, end] of mentions(text, own)) {
    nodes.push(text.slice(at, start), element("mark", {}, text.slice(start, end)));
    at = end;
  }
  if (at < text.length) {
    nodes.push(text.slice(at));
  }
  return nodes;
}

/// What happened in the room, in words. The placeholders become elements.
function system(entry, own) {
  const author = () => isolated(entry.author, { class: `author c${colourOf(entry.author)}` });
  const text = () => isolated(entry.text ?? "");
  if (entry.kind === "action") {
    return element("span", { class: "body", dir: "auto" }, "* ", author(), " ", ...inline(entry.text ?? "", own));
  }
  const key = {
    joined: "entry_joined",
    left: "entry_left",
    kicked: entry.text ? "entry_kicked_reason" : "entry_kicked",
    renamed: "entry_renamed",
    removal: "entry_removal",
    removed: "entry_removed",
    topic: entry.text ? "entry_topic" : "entry_topic_removed",
    data: "entry_data",
  }[entry.kind];
  const parts = t(key ?? "entry_unknown", { size: entry.size ?? 0, kind: entry.kind }).split(/(\{\w+\})/);
  const filled = parts.map((part) => (part === "{author}" ? author() : part === "{text}" ? text() : part));
  return element("span", { class: "body" }, ...filled);
}
