// The list of files on their way, above the input.

import { send } from "./connection.js";
import { byId, button, element, isolated } from "./dom.js";
import { takeBack } from "./files.js";
import { on, state } from "./state.js";
import { durationOf, sizeOf, t } from "./texts.js";

const ENDED = ["done", "failed", "cancelled"];
const PERMILLE = 1000;

const panel = byId("transfers");
const list = byId("transfer-list");
const rows = new Map();

let frame = null;
// Those that were there when the panel was closed do not open it again.
let closedAt = new Set();

/// All transfers, by their keys.
function all() {
  const given = [...state.given.values()].map((it) => [it.key, { ...it, is_upload: true, stage: "copying" }]);
  return new Map([...state.transfers, ...given]);
}

function show() {
  frame = null;
  const transfers = all();
  for (const [key, row] of rows) {
    if (!transfers.has(key)) {
      row.line.remove();
      rows.delete(key);
    }
  }
  for (const [key, transfer] of transfers) {
    if (!rows.has(key)) {
      rows.set(key, createRow(key, transfer));
      list.append(rows.get(key).line);
    }
    rows.get(key).update(transfer);
  }
  panel.hidden = [...transfers.keys()].every((key) => closedAt.has(key));
  byId("clear-transfers").hidden = ![...transfers.values()].some((transfer) => ENDED.includes(transfer.stage));
}

/// The elements of a transfer. They stay, so that the focus does.
function createRow(key, transfer) {
  const { name, is_upload: isUpload } = transfer;
  const label = isUpload ? t("transfer_sending", { name }) : t("transfer_receiving", { name });
  const cancelLabel = t("transfer_cancel", { name });
  const status = element("small", {});
  const bar = element("progress", { max: PERMILLE, "aria-label": label });
  const cancel = button("\u00d7", () => stop(key, transfer), { class: "small", "aria-label": cancelLabel, title: cancelLabel });
  const arrow = element("span", { "aria-hidden": "true" }, isUpload ? "\u2191" : "\u2193");
  const head = element("div", {}, arrow, isolated(name, { class: "name", title: name }), status, cancel);
  const line = element("li", {}, head, bar);
  const update = (now) => {
    const hasEnded = ENDED.includes(now.stage);
    status.textContent = statusOf(now);
    status.className = now.stage === "failed" ? "error" : "";
    if (hasEnded && cancel.contains(document.activeElement)) {
      byId("transfers-title").focus();
    }
    // Those that have not ended come first.
    line.classList.toggle("ended", hasEnded);
    bar.hidden = hasEnded;
    cancel.hidden = hasEnded;
    if (now.done !== undefined && now.size !== null) {
      bar.value = now.size > 0 ? (PERMILLE * now.done) / now.size : PERMILLE;
    } else {
      bar.removeAttribute("value");
    }
  };
  return { line, update };
}

function stop(key, transfer) {
  if (state.given.has(key)) {
    takeBack(key);
  } else {
    send({ type: "cancel", transfer: { server: transfer.server, transfer: transfer.transfer } });
  }
}

function statusOf(transfer) {
  const { stage, done, size, rate, left_ms: left, reason } = transfer;
  const of = () => t("transfer_of", { done: sizeOf(done), size: size === null ? "?" : sizeOf(size) });
  switch (stage) {
    case "running": {
      const parts = [of()];
      if (rate !== undefined) {
        parts.push(t("transfer_rate", { rate: sizeOf(rate) }));
      }
      if (left !== undefined) {
        parts.push(t("transfer_left", { left: durationOf(left) }));
      }
      return parts.join(", ");
    }
    case "copying":
      return `${t("transfer_copying")}, ${of()}`;
    case "hashing":
      return `${t("transfer_hashing")}, ${of()}`;
    case "storing":
      return t("transfer_storing");
    case "done":
      return transfer.is_upload ? t("transfer_sent") : t("transfer_received");
    case "cancelled":
      return t("transfer_cancelled");
    default:
      return reason ?? "";
  }
}

function update() {
  frame ??= requestAnimationFrame(show);
}

export function startTransfers() {
  byId("clear-transfers").addEventListener("click", () => {
    send({ type: "forget_transfers" });
    byId("input").focus();
  });
  byId("close-transfers").addEventListener("click", () => {
    closedAt = new Set(all().keys());
    update();
    byId("input").focus();
  });
  on("transfers", update);
  on("show_transfers", () => {
    closedAt = new Set();
    show();
    panel.hidden = false;
    byId("transfers-title").focus();
  });
}
