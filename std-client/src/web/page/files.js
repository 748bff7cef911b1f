// Files that are given to the page: by the button, dropped, or pasted. The program gets their
// bytes, some at a time, and sends them.

import { byId } from "./dom.js";
import { addNotice, changed, currentRoom, state } from "./state.js";
import { t } from "./texts.js";

// Files that the program gets at once, and the pause after which it is asked again when it has
// enough of them.
const MAX_AT_ONCE = 2;
const PAUSE = 2000;

const waiting = [];
let running = 0;
let nextKey = 0;

const hasFiles = (data) => data?.types.includes("Files") ?? false;

function fail(room, text) {
  addNotice(room, { isError: true, text, time: Date.now() });
}

/// Sends files to the room that is shown.
function give(files) {
  const room = currentRoom();
  if (!room) {
    return fail(null, t("message_first"));
  }
  for (const file of files) {
    const key = `given-${nextKey++}`;
    const given = { key, file, room: room.room, name: file.name || "file", size: file.size, done: 0, request: null };
    state.given.set(key, given);
    waiting.push(given);
  }
  changed("transfers");
  next();
  return undefined;
}

function next() {
  while (running < MAX_AT_ONCE && waiting.length > 0) {
    const given = waiting.shift();
    if (state.given.has(given.key)) {
      running += 1;
      upload(given);
    }
  }
}

function upload(given) {
  const request = new XMLHttpRequest();
  given.request = request;
  request.open("POST", `/upload/${given.room}/${encodeURIComponent(given.name)}`);
  request.upload.addEventListener("progress", (event) => {
    given.done = event.loaded;
    changed("transfers");
  });
  request.addEventListener("loadend", () => {
    running -= 1;
    given.request = null;
    if (request.status === 503 && state.given.has(given.key)) {
      // It has enough to do.
      given.done = 0;
      waiting.push(given);
      setTimeout(next, PAUSE);
      return;
    }
    if (state.given.delete(given.key) && request.status !== 204) {
      fail(given.room, refusal(request.status, given));
    }
    changed("transfers");
    next();
  });
  request.send(given.file);
}

function refusal(status, given) {
  switch (status) {
    case 413:
      return t("file_too_large", given);
    case 507:
      return t("file_disk_full", given);
    default:
      return t("file_not_taken", given);
  }
}

/// Gives up a file that the program does not have yet.
export function takeBack(key) {
  const given = state.given.get(key);
  state.given.delete(key);
  given?.request?.abort();
  changed("transfers");
}

/// What was dropped, but for folders.
function dropped(data) {
  const files = [];
  for (const item of data.items) {
    const file = item.kind === "file" ? item.getAsFile() : null;
    if (item.webkitGetAsEntry?.()?.isDirectory) {
      fail(state.current, t("drop_folder", { name: file?.name ?? "NAME" }));
    } else if (file) {
      files.push(file);
    }
  }
  return files;
}

function startDropping() {
  const target = byId("drop");
  const show = (isShown) => {
    target.hidden = !isShown;
    const room = currentRoom();
    target.firstElementChild.textContent = room ? t("drop_here", { room: `#${room.name}` }) : t("message_first");
  };
  document.addEventListener("dragover", (event) => {
    if (hasFiles(event.dataTransfer)) {
      event.preventDefault();
      event.dataTransfer.dropEffect = "copy";
      show(true);
    }
  });
  document.addEventListener("dragleave", (event) => {
    // The pointer has left the window.
    if (event.relatedTarget === null) {
      show(false);
    }
  });
  document.addEventListener("drop", (event) => {
    if (hasFiles(event.dataTransfer)) {
      event.preventDefault();
      show(false);
      give(dropped(event.dataTransfer));
    }
  });
}

export function startFiles() {
  const chooser = byId("file-input");
  byId("attach").addEventListener("click", () => chooser.click());
  chooser.addEventListener("change", () => {
    give([...chooser.files]);
    chooser.value = "";
    byId("input").focus();
  });
  document.addEventListener("paste", (event) => {
    const data = event.clipboardData;
    // Some programs put a picture of a text beside the text.
    if (hasFiles(data) && !data.types.includes("text/plain")) {
      event.preventDefault();
      give([...data.files]);
    }
  });
  startDropping();
}
