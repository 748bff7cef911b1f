// The connection to the program: messages in both directions, and connecting again.

import { addNotice, changed, currentRoom, putRoom, show, state } from "./state.js";

const FIRST_PAUSE = 300;
const LAST_PAUSE = 5000;

let socket = null;
let pause = FIRST_PAUSE;
let nextTag = 0;
const waiting = new Map();

/// Connects, and again whenever the connection is lost.
export function connect() {
  socket = new WebSocket(`ws://${location.host}/socket`);
  socket.addEventListener("message", (event) => receive(JSON.parse(event.data)));
  socket.addEventListener("close", () => {
    socket = null;
    state.isConnected = false;
    waiting.clear();
    changed("connection");
    setTimeout(connectAgain, pause);
    pause = Math.min(pause * 2, LAST_PAUSE);
  });
}

/// The program may have been started again, with another address.
async function connectAgain() {
  try {
    const response = await fetch("/texts.json", { method: "GET" });
    if (response.status === 403) {
      location.replace("/");
      return;
    }
  } catch {
    // It is not there: tried again below.
  }
  connect();
}

/// Sends a message. Without a connection it is not sent.
export function send(message) {
  if (socket?.readyState !== WebSocket.OPEN) {
    return false;
  }
  socket.send(JSON.stringify(message));
  return true;
}

/// Sends a message with a tag, and calls `answer` with the message that answers it.
export function request(message, answer) {
  const tag = nextTag++;
  if (send({ ...message, tag })) {
    waiting.set(tag, answer);
  }
}

function answered(message) {
  const answer = waiting.get(message.tag);
  waiting.delete(message.tag);
  answer?.(message);
}

function receive(message) {
  const room = state.rooms.get(message.room);
  switch (message.type) {
    case "snapshot":
      return takeSnapshot(message);
    case "server":
      state.servers.set(message.server, message);
      return changed("servers");
    case "room":
      putRoom(message);
      changed("rooms");
      return state.current === null ? show(message.room) : undefined;
    case "room_gone":
      state.rooms.delete(message.room);
      if (state.current === message.room) {
        state.current = null;
        const next = state.rooms.keys().next();
        return next.done ? changed("current") : show(next.value);
      }
      return changed("rooms");
    case "entries":
      return changed("entries", message);
    case "reset":
      return changed("reset", message.room);
    case "page":
    case "found":
      return answered(message);
    case "members":
      if (room) {
        room.members = message.names;
        changed("members", room);
      }
      return undefined;
    case "member":
      if (room) {
        room.members = room.members.filter((name) => name !== message.name);
        if (message.is_present) {
          room.members.push(message.name);
        }
        changed("members", room);
      }
      return undefined;
    case "unsent":
      if (room) {
        room.unsent = message.texts;
        changed("unsent", room);
      }
      return undefined;
    case "notice":
      return addNotice(message.room, { isError: message.is_error, text: message.text, time: Date.now() });
    case "show":
      return show(message.room);
    case "help":
      return changed("help");
    case "room_list":
      return changed("room_list", message);
    case "content":
      return changed("content", message);
    case "transfer":
      state.transfers.set(keyOf(message), message);
      return changed("transfers");
    case "transfers":
      return takeTransfers(message.transfers);
    case "show_transfers":
      return changed("show_transfers");
    case "end":
      state.hasEnded = true;
      return changed("connection");
    default:
      return undefined;
  }
}

const keyOf = (transfer) => `${transfer.server}.${transfer.transfer}`;

function takeTransfers(transfers) {
  state.transfers = new Map(transfers.map((transfer) => [keyOf(transfer), transfer]));
  changed("transfers");
}

/// Replaces everything. The room that was shown is shown again.
function takeSnapshot(message) {
  const before = currentRoom();
  const kept = state.rooms;
  state.servers = new Map(message.servers.map((server) => [server.server, server]));
  state.rooms = new Map();
  for (const room of message.rooms) {
    const known = kept.get(room.room);
    const is_same = known?.name === room.name;
    state.rooms.set(room.room, {
      members: [],
      notices: is_same ? known.notices : [],
      ...room,
      draft: is_same && known.draft ? known.draft : room.draft,
      unsent: [],
    });
  }
  state.commands = message.commands;
  state.showsPictures = message.shows_pictures;
  takeTransfers(message.transfers);
  state.isConnected = true;
  state.hasEnded = false;
  pause = FIRST_PAUSE;
  const is_there = before && state.rooms.get(before.room)?.name === before.name;
  state.current = is_there ? before.room : (state.rooms.keys().next().value ?? null);
  changed("snapshot");
  changed("connection");
  changed("servers");
  changed("rooms");
  changed("current", null);
}
