// Notifications of what a room announces, and the counts in the title of the page.

import { byId } from "./dom.js";
import { on, show, state } from "./state.js";
import { t } from "./texts.js";

const MAX_TEXT = 200;

const isLookedAt = () => !document.hidden && document.hasFocus();

function showTitle() {
  const rooms = [...state.rooms.values()];
  const mentions = rooms.reduce((sum, room) => sum + room.mentions, 0);
  const unread = rooms.reduce((sum, room) => sum + room.unread, 0);
  const mark = mentions > 0 ? `(${mentions}) ` : unread > 0 ? "* " : "";
  document.title = `${mark}${state.rooms.get(state.current)?.name ?? ""} Kabar`.replace(/ {2,}/g, " ").trim();
}

const isText = (entry) => ["text", "action", "operator"].includes(entry.kind);

function isAnnounced(id, entry) {
  const which = state.rooms.get(id)?.notify;
  const isWanted = which === "all" ? isText(entry) && !entry.own : which === "mentions" && entry.mention;
  return isWanted && !entry.replayed && !entry.hidden;
}

function notify(id, entry) {
  const room = state.rooms.get(id);
  if (!room || Notification.permission !== "granted" || (isLookedAt() && state.current === id)) {
    return;
  }
  const body = (entry.text ?? "").slice(0, MAX_TEXT);
  const shown = new Notification(t("notification", { name: entry.author, room: `#${room.name}` }), { body, tag: id });
  shown.addEventListener("click", () => {
    window.focus();
    show(id);
    shown.close();
  });
}

export function startNotifications() {
  const button = byId("notify-button");
  const isPossible = "Notification" in window;
  const update = () => {
    button.hidden = !isPossible || Notification.permission !== "default";
  };
  button.addEventListener("click", async () => {
    await Notification.requestPermission();
    update();
  });
  update();
  on("rooms", showTitle);
  on("current", showTitle);
  if (isPossible) {
    on("entries", (message) => {
      message.entries.filter((entry) => isAnnounced(message.room, entry)).forEach((entry) => notify(message.room, entry));
    });
  }
}
