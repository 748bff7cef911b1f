// What the program has sent: servers, rooms, members, notices, transfers. Other parts are called when it
// changes.

const MAX_NOTICES = 100;

export const state = {
  servers: new Map(),
  rooms: new Map(),
  commands: [],
  // Files on their way: those of the program, and those that this page gives to it.
  transfers: new Map(),
  given: new Map(),
  emoji: {},
  showsPictures: false,
  current: null,
  isConnected: false,
  hasEnded: false,
};

const listeners = new Map();

/// Calls `listener` whenever `what` changes.
export function on(what, listener) {
  if (!listeners.has(what)) {
    listeners.set(what, []);
  }
  listeners.get(what).push(listener);
}

/// Reports that `what` has changed.
export function changed(what, ...details) {
  for (const listener of listeners.get(what) ?? []) {
    listener(...details);
  }
}

export const currentRoom = () => state.rooms.get(state.current) ?? null;
export const serverOf = (room) => state.servers.get(Number(room.room.split(".")[0])) ?? null;
export const ownName = (room) => (room ? (serverOf(room)?.name ?? "") : "");

/// Compares two places in a history.
export const compare = (a, b) => a.log - b.log || a.seq - b.seq;
export const placeOf = (entry) => ({ log: entry.log, seq: entry.seq });

/// Takes the state of a room. What the page keeps of it stays.
export function putRoom(received) {
  const known = state.rooms.get(received.room);
  const kept = known ?? { members: [], unsent: [], notices: [], isTyped: false };
  state.rooms.set(received.room, Object.assign(kept, received, { draft: known ? known.draft : received.draft }));
}

/// Adds a notice to a room, or to the one that is shown.
export function addNotice(room, notice) {
  const at = state.rooms.get(room) ?? currentRoom();
  if (at) {
    at.notices.push(notice);
    at.notices.splice(0, at.notices.length - MAX_NOTICES);
  }
  changed("notice", at?.room ?? null, notice);
}

/// Shows a room.
export function show(room) {
  if (state.rooms.has(room) && state.current !== room) {
    const before = state.current;
    state.current = room;
    changed("current", before);
  }
}

/// Rooms in the order in which they are listed: by server, then by name.
export function sortedRooms() {
  const server = (room) => Number(room.room.split(".")[0]);
  return [...state.rooms.values()].sort((a, b) => server(a) - server(b) || a.name.localeCompare(b.name));
}
