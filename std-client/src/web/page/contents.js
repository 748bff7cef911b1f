// Files in the transcript: what they are, a button that saves them, and pictures in place. The
// program receives and proves a content before the browser gets it.

import { send } from "./connection.js";
import { button, element, isolated } from "./dom.js";
import { changed, on, placeOf, state } from "./state.js";
import { sizeOf, t } from "./texts.js";

// As in style.css.
const MAX_WIDTH = 420;
const MAX_HEIGHT = 320;
// The distance from what is visible at which a picture is requested.
const MARGIN = "300px";
const PAUSE = 2000;
const MAX_KNOWN = 1000;

// Sizes of pictures that are there, and names of files that are about to be saved, by root.
const pictures = new Map();
const saving = new Map();

const observer = new IntersectionObserver(onVisible, { rootMargin: MARGIN });
const nameIn = (name) => encodeURIComponent(name).replace(/^\.+$/, "file");

/// Creates the elements of a file.
export function createFile(entry) {
  const { name, size, media_type: type, is_picture: isPicture, root } = entry.file;
  const room = state.current;
  const about = [sizeOf(size), type].filter(Boolean).join(", ");
  const save = button(t("file_save"), () => {
    saving.set(root, name);
    send({ type: "fetch", room, place: placeOf(entry), is_picture: false });
  }, { class: "small", "aria-label": t("file_save_named", { name }) });
  const head = element("div", { class: "file-head" }, isolated(name, { class: "name" }), element("small", {}, about), save);
  const file = element("div", { class: "file" }, head);
  if (isPicture && state.showsPictures && !entry.hidden) {
    const frame = element("div", { class: "picture", "data-root": root, hidden: true });
    frame.request = () => send({ type: "fetch", room, place: placeOf(entry), is_picture: true });
    frame.name = name;
    file.append(frame);
    if (pictures.has(root)) {
      show(frame, root);
    } else {
      observer.observe(file);
    }
  }
  return file;
}

function onVisible(changes) {
  for (const { isIntersecting, target } of changes) {
    if (isIntersecting) {
      observer.unobserve(target);
      target.querySelector(".picture").request();
    }
  }
}

/// Puts a picture into its frame.
function show(frame, root) {
  const [width, height] = pictures.get(root);
  const scale = Math.min(1, MAX_WIDTH / width, MAX_HEIGHT / height);
  const side = (pixels) => Math.max(1, Math.round(pixels * scale));
  const address = `/picture/${root}/${nameIn(frame.name)}`;
  const picture = element("img", { src: address, alt: frame.name, width: side(width), height: side(height), decoding: "async" });
  picture.addEventListener("error", () => {
    // It was removed from the cache before the browser had it, or is damaged.
    pictures.delete(root);
    frame.hidden = true;
    frame.replaceChildren();
  });
  frame.replaceChildren(element("a", { href: address, target: "_blank", rel: "noopener" }, picture));
  frame.hidden = false;
}

function frames(root) {
  return document.querySelectorAll(`.picture[data-root="${root}"]`);
}

function onContent({ root, state: found, size }) {
  if (found === "busy") {
    setTimeout(() => frames(root).forEach((frame) => observer.observe(frame.parentElement)), PAUSE);
    return;
  }
  const name = saving.get(root);
  saving.delete(root);
  if (found === "ready" && name !== undefined) {
    const link = element("a", { href: `/file/${root}/${nameIn(name)}`, download: "" });
    document.body.append(link);
    link.click();
    link.remove();
  }
  if (found === "ready" && size) {
    pictures.set(root, size);
    if (pictures.size > MAX_KNOWN) {
      pictures.delete(pictures.keys().next().value);
    }
    changed("grow", () => frames(root).forEach((frame) => (frame.hidden ? show(frame, root) : undefined)));
  }
}

export function startContents() {
  on("content", onContent);
}
