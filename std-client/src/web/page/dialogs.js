// Dialogs: joining, the rooms of a server, questions, search, help.

import { request, send } from "./connection.js";
import { byId, button, element, isolated } from "./dom.js";
import { currentRoom, on, ownName, placeOf, show, state } from "./state.js";
import { momentOf, t } from "./texts.js";
import { goTo } from "./transcript.js";

let opened = 0;

/// Opens a dialog. Escape and the button close it, and the focus returns.
function openDialog(title, ...content) {
  const id = `dialog-${opened++}`;
  const dialog = element("dialog", { "aria-labelledby": id });
  const close = button(t("close"), () => dialog.close(), { class: "small" });
  dialog.append(element("div", { class: "dialog-head" }, element("h2", { id }, title), close), ...content);
  dialog.addEventListener("close", () => dialog.remove());
  byId("dialogs").append(dialog);
  dialog.showModal();
  dialog.querySelector("input")?.focus();
  return dialog;
}

/// A form with one field. `done` gets its value.
function form(label, attributes, action, done) {
  const field = element("input", { id: `field-${opened}`, autocomplete: "off", ...attributes });
  const made = element(
    "form",
    {},
    element("label", { for: field.id }, label),
    field,
    element("button", { type: "submit" }, action),
  );
  made.addEventListener("submit", (event) => {
    event.preventDefault();
    done(field.value);
  });
  return made;
}

/// Joins a room by its name or an invite, or connects to a server.
export function openJoin() {
  const lists = [...state.servers.values()]
    .filter((server) => server.connection === "online")
    .map((server) => button(t("rooms_of", { server: server.label }), () => send({ type: "list_rooms", server: server.server })));
  const join = form(t("join_label"), { spellcheck: "false" }, t("join"), (target) => {
    if (target.trim()) {
      send({ type: "input", room: state.current, text: `/join ${target.trim()}` });
      dialog.close();
    }
  });
  const dialog = openDialog(t("join_title"), element("p", {}, t("join_hint")), join, element("div", { class: "choices" }, ...lists));
}

function openRoomList(message) {
  const rows = message.rooms.map((room) => {
    const join = button(room.is_joined ? t("show") : t("join"), () => {
      const known = [...state.rooms.values()].find((it) => it.name === room.name && it.room.startsWith(`${message.server}.`));
      if (known) {
        show(known.room);
      } else {
        send({ type: "input", room: roomOf(message.server), text: `/join ${room.name}` });
      }
      byId("dialogs").querySelectorAll("dialog").forEach((dialog) => dialog.close());
    }, { "aria-label": `${room.is_joined ? t("show") : t("join")} #${room.name}` });
    const about = element("small", {}, t("members_here", { count: room.members }), room.is_private ? `, ${t("by_invite")}` : "");
    return element("li", {}, element("div", {}, element("b", {}, "#", isolated(room.name)), " ", about,
      element("p", { dir: "auto" }, room.topic)), join);
  });
  openDialog(t("room_list_title"), element("ul", { class: "rows" }, ...rows));
}

const roomOf = (server) => [...state.rooms.keys()].find((room) => room.startsWith(`${server}.`)) ?? null;

/// Asks what a server asks. One question is open at a time.
function askQuestion(server) {
  if (document.querySelector("dialog.question")) {
    return;
  }
  const { question } = server;
  let dialog;
  if (question.question === "key") {
    const answer = (accept) => {
      send({ type: "answer_key", server: server.server, accept });
      dialog.close();
    };
    dialog = openDialog(
      t("key_title"),
      element("p", {}, t("key_text", { server: server.label })),
      element("p", {}, element("code", {}, question.fingerprint)),
      element("p", {}, t("key_hint")),
      element("div", { class: "choices" }, button(t("key_accept"), () => answer(true)), button(t("key_decline"), () => answer(false))),
    );
  } else {
    const wrong = question.was_wrong ? element("p", { class: "error", role: "alert" }, t("password_wrong")) : "";
    const field = form(t("password_label", { room: question.room }), { type: "password" }, t("password_send"), (password) => {
      send({ type: "password", server: server.server, password });
      dialog.close();
    });
    const none = button(t("password_none"), () => {
      send({ type: "password", server: server.server, password: null });
      dialog.close();
    });
    dialog = openDialog(t("password_title"), wrong, field, element("div", { class: "choices" }, none));
  }
  dialog.classList.add("question");
}

/// Searches everything that was received.
export function openSearch() {
  const results = element("ul", { class: "rows results", "aria-live": "polite" });
  const everywhere = element("input", { type: "checkbox", id: "everywhere" });
  const search = form(t("search_label"), { type: "search" }, t("search"), (text) => {
    const room = everywhere.checked ? null : state.current;
    request({ type: "search", room, text }, (found) => {
      const items = found.hits.map((hit) => result(hit, () => dialog.close()));
      if (found.has_more) {
        items.push(element("li", { class: "hint" }, t("search_more")));
      }
      results.replaceChildren(...(items.length > 0 ? items : [element("li", { class: "hint" }, t("search_nothing"))]));
    });
  });
  const all = element("p", {}, everywhere, " ", element("label", { for: "everywhere" }, t("search_everywhere")));
  const dialog = openDialog(t("search"), search, all, results);
}

function result(hit, close) {
  const { entry, room, name } = hit;
  const open = button("", () => {
    close();
    show(room);
    goTo(placeOf(entry));
  }, { class: "hit", disabled: room === null });
  const head = element("small", {}, `#${name} `, isolated(entry.author), ` ${momentOf(entry.time_ms)}`);
  open.append(head, element("span", { dir: "auto" }, entry.text ?? ""));
  return element("li", {}, open);
}

export function openHelp() {
  const row = (command) => {
    const key = `command_${command.word.slice(1)}`;
    return [element("dt", {}, element("code", {}, `${command.word} ${command.argument}`.trim())), element("dd", {}, t(key))];
  };
  const rows = (isForOperators) => state.commands.filter((command) => command.is_for_operators === isForOperators).flatMap(row);
  const keys = ["enter", "shift_enter", "tab", "arrows", "search", "rooms"].flatMap((key) => [
    element("dt", {}, element("kbd", {}, t(`key_${key}_name`))),
    element("dd", {}, t(`key_${key}`)),
  ]);
  const own = ownName(currentRoom());
  openDialog(
    t("help"),
    own ? element("p", {}, t("you_are", { name: own })) : "",
    element("h3", {}, t("keys")),
    element("dl", {}, ...keys),
    element("h3", {}, t("commands")),
    element("dl", {}, ...rows(false)),
    element("h3", {}, t("commands_for_operators")),
    element("dl", {}, ...rows(true)),
  );
}

export function startDialogs() {
  on("room_list", openRoomList);
  on("help", openHelp);
  on("join", openJoin);
  on("servers", () => {
    const asking = [...state.servers.values()].find((server) => server.question);
    if (asking) {
      askQuestion(asking);
    } else {
      document.querySelectorAll("dialog.question").forEach((dialog) => dialog.close());
    }
  });
  document.addEventListener("question", (event) => askQuestion(event.detail));
}
