// Exchanges the token in the fragment of the address for a cookie, and opens the page.

const token = location.hash.slice(1);
// The token does not stay in the history of the browser.
history.replaceState(null, "", location.pathname);
if (token) {
  await fetch("/session", { method: "POST", body: token });
}
location.replace("/");
