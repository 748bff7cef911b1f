// Rooms at the left, members at the right, and what is above the transcript.

import { send } from "./connection.js";
import { byId, button, colourOf, element, isolated } from "./dom.js";
import { currentRoom, on, ownName, serverOf, show, sortedRooms, state } from "./state.js";
import { t } from "./texts.js";

const MAX_SHOWN_MEMBERS = 500;

function showRooms() {
  const servers = [...state.servers.values()];
  const groups = servers.map((server) => {
    const rooms = sortedRooms().filter((room) => serverOf(room) === server);
    const state_ = element("small", { class: `connection ${server.connection}` }, connectionText(server));
    const heading = element("h3", {}, isolated(server.label), " ", state_);
    return element("section", {}, heading, element("ul", {}, ...rooms.map(roomItem)));
  });
  const list = byId("room-list");
  const focused = list.contains(document.activeElement) ? document.activeElement.dataset.room : null;
  list.replaceChildren(...groups);
  if (servers.length === 0) {
    list.append(element("p", { class: "hint" }, t("no_rooms")));
  }
  if (focused) {
    list.querySelector(`[data-room="${focused}"]`)?.focus();
  }
}

function connectionText(server) {
  const rtt = server.rtt_ms !== null && server.connection === "online" ? ` ${t("milliseconds", { ms: server.rtt_ms })}` : "";
  return t(`connection_${server.connection}`) + rtt;
}

function roomItem(room) {
  const isCurrent = room.room === state.current;
  const open = button("", () => show(room.room), {
    class: `room ${room.membership}${room.unread > 0 ? " has-unread" : ""}`,
    "data-room": room.room,
    "aria-current": isCurrent ? "page" : null,
  });
  open.append("#", isolated(room.name));
  if (room.mentions > 0) {
    open.append(element("span", { class: "count mentions", "aria-label": t("mentions", { count: room.mentions }) }, room.mentions));
  }
  if (room.unread > room.mentions) {
    open.append(element("span", { class: "count", "aria-label": t("unread", { count: room.unread }) }, room.unread));
  }
  return element("li", {}, open);
}

function showBar() {
  const room = currentRoom();
  byId("room-name").textContent = room ? `#${room.name}` : "Kabar";
  byId("topic").textContent = room?.topic ?? "";
  byId("topic").title = room?.topic ?? "";
}

/// What keeps the room from being used, if anything does.
function showBanner() {
  const room = currentRoom();
  const server = room && serverOf(room);
  let text = "";
  let action = null;
  if (state.hasEnded) {
    text = t("program_ended");
  } else if (!state.isConnected) {
    text = t("program_gone");
  } else if (server?.question) {
    action = button(t("answer"), () => document.dispatchEvent(new CustomEvent("question", { detail: server })));
    text = t("question_waits");
  } else if (room?.membership === "ended") {
    text = room.problem ?? server?.problem ?? t("room_ended");
    if (server?.connection === "online") {
      action = button(t("join_again"), () => send({ type: "input", room: room.room, text: `/join ${room.name}` }));
    }
  } else if (server && server.connection !== "online") {
    text = server.problem ?? t(`connection_${server.connection}`);
  } else {
    const failed = [...state.servers.values()].find((known) => !room && known.problem);
    text = failed?.problem ?? "";
  }
  const banner = byId("banner");
  if (banner.dataset.text === text && !action) {
    return;
  }
  banner.dataset.text = text;
  banner.hidden = text === "";
  banner.replaceChildren(element("span", { dir: "auto" }, text), action ?? "");
}

function showMembers() {
  const room = currentRoom();
  const names = room?.members ?? [];
  byId("members-title").textContent = t("members_here", { count: names.length });
  const own = ownName(room);
  const sorted = [...names].sort((a, b) => a.localeCompare(b));
  const items = sorted.slice(0, MAX_SHOWN_MEMBERS).map((name) => {
    const shown = isolated(name, { class: `author c${colourOf(name)}` });
    const mention = button("", () => document.dispatchEvent(new CustomEvent("mention", { detail: name })), {
      class: "member",
      "aria-label": t("mention_member", { name }),
    });
    mention.append(shown, name === own ? element("small", {}, ` ${t("you")}`) : "");
    return element("li", {}, mention);
  });
  if (sorted.length > MAX_SHOWN_MEMBERS) {
    items.push(element("li", { class: "hint" }, t("more_members", { count: sorted.length - MAX_SHOWN_MEMBERS })));
  }
  byId("member-list").replaceChildren(...items);
}

/// Calls `update` at most once per frame.
function perFrame(update) {
  let frame = null;
  return () => {
    frame ??= requestAnimationFrame(() => {
      frame = null;
      update();
    });
  };
}

export function startLists() {
  const [rooms, members, banner, bar] = [showRooms, showMembers, showBanner, showBar].map(perFrame);
  on("rooms", () => [rooms, banner, bar].forEach((update) => update()));
  on("servers", () => [rooms, banner].forEach((update) => update()));
  on("connection", banner);
  on("members", (room) => (room.room === state.current ? members() : undefined));
  on("current", () => {
    const room = currentRoom();
    if (room) {
      send({ type: "members", room: room.room });
    }
    [rooms, members, banner, bar].forEach((update) => update());
  });
}
