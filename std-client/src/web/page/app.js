// The start of the page, its drawers, and the keys that work everywhere.

import { startComposer } from "./composer.js";
import { connect } from "./connection.js";
import { startContents } from "./contents.js";
import { openHelp, openJoin, openSearch, startDialogs } from "./dialogs.js";
import { byId } from "./dom.js";
import { startFiles } from "./files.js";
import { startLists } from "./lists.js";
import { startNotifications } from "./notify.js";
import { on, show, sortedRooms, state } from "./state.js";
import { loadTexts } from "./texts.js";
import { startTranscript } from "./transcript.js";
import { startTransfers } from "./transfers.js";

const DRAWERS = ["rooms", "members"];
// As in style.css.
const narrow = matchMedia("(max-width: 720px)");

function toggleDrawer(name, isOpen) {
  for (const drawer of DRAWERS) {
    const opens = drawer === name && isOpen;
    byId(drawer).classList.toggle("open", opens);
    byId(`open-${drawer}`).setAttribute("aria-expanded", String(opens));
  }
  if (name && isOpen) {
    byId(`close-${name}`).focus();
  }
}

const closeDrawers = () => toggleDrawer(null, false);
const closeIfNarrow = () => (narrow.matches ? closeDrawers() : undefined);

function startDrawers() {
  for (const drawer of DRAWERS) {
    byId(`open-${drawer}`).addEventListener("click", () => {
      if (narrow.matches) {
        toggleDrawer(drawer, !byId(drawer).classList.contains("open"));
      } else {
        // A panel beside the transcript is hidden, or shown.
        const isHidden = document.body.classList.toggle(`no-${drawer}`);
        byId(`open-${drawer}`).setAttribute("aria-expanded", String(!isHidden));
      }
    });
    byId(`close-${drawer}`).addEventListener("click", () => {
      closeDrawers();
      byId(`open-${drawer}`).focus();
    });
  }
  const update = () => {
    closeDrawers();
    byId("open-members").setAttribute("aria-expanded", String(!narrow.matches));
  };
  narrow.addEventListener("change", update);
  update();
  on("current", closeIfNarrow);
  on("drawers", closeIfNarrow);
}

function showNext(step) {
  const rooms = sortedRooms();
  const at = rooms.findIndex((room) => room.room === state.current);
  const next = rooms[(at + step + rooms.length) % rooms.length];
  if (next) {
    show(next.room);
  }
}

function onKey(event) {
  if (document.querySelector("dialog[open]")) {
    return;
  }
  if (event.key === "Escape") {
    closeIfNarrow();
  } else if (event.key === "F1") {
    openHelp();
  } else if (event.ctrlKey && event.shiftKey && event.key.toLowerCase() === "f") {
    openSearch();
  } else if (event.altKey && event.key === "ArrowUp") {
    showNext(-1);
  } else if (event.altKey && event.key === "ArrowDown") {
    showNext(1);
  } else {
    return;
  }
  event.preventDefault();
}

await loadTexts();
startTranscript();
startComposer();
startFiles();
startContents();
startTransfers();
startLists();
startDialogs();
startNotifications();
startDrawers();
byId("join-button").addEventListener("click", openJoin);
byId("search-button").addEventListener("click", openSearch);
byId("help-button").addEventListener("click", openHelp);
document.addEventListener("keydown", onKey);
document.addEventListener("mention", (event) => {
  const input = byId("input");
  const name = event.detail;
  input.setRangeText(input.value === "" ? `${name}: ` : `${name} `, input.selectionStart, input.selectionEnd, "end");
  closeIfNarrow();
  input.focus();
});
connect();
state.emoji = await (await fetch("/emoji.json")).json();
