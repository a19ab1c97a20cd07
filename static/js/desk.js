// The moderation desk by keyboard: j and k go from entry to entry, Enter opens the one in focus as
// any link, "?" shows what the keys do; on a page that was opened from the desk n goes to the next.
//
// [data-desk-list] holds the entries, each with one link. [data-desk-keys], hidden without this
// file, explains the keys; its [data-desk-switch] turns them off, for those who dictate or press
// keys by accident. The choice stays in this browser.

const OFF = "off";
const STORED_AS = "desk-shortcuts";

function stored() {
  try {
    return localStorage.getItem(STORED_AS);
  } catch {
    return null;
  }
}

function store(value) {
  try {
    localStorage.setItem(STORED_AS, value);
  } catch {
    // Storage may be closed; the choice then holds for this page.
  }
}

let areOn = stored() !== OFF;

function isForSomethingElse(event) {
  return (
    event.defaultPrevented ||
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    event.target.closest("input, select, textarea, [contenteditable], [role=combobox]") !== null
  );
}

function step(list, by) {
  const links = [...list.querySelectorAll("li > a")];
  const at = links.indexOf(document.activeElement);
  const next = at === -1 ? (by > 0 ? 0 : links.length - 1) : at + by;
  links[Math.min(Math.max(next, 0), links.length - 1)]?.focus();
}

function press(event) {
  if (!areOn || isForSomethingElse(event)) return;
  const list = document.querySelector("[data-desk-list]");
  const keys = document.querySelector("[data-desk-keys]");
  const next = document.querySelector("[data-desk-next]");
  if (list && event.key === "j") step(list, 1);
  else if (list && event.key === "k") step(list, -1);
  else if (next && event.key === "n") next.click();
  else if (keys && event.key === "?") {
    keys.open = !keys.open;
    if (keys.open) keys.querySelector("summary").focus();
  } else return;
  event.preventDefault();
}

document.addEventListener("keydown", press);

const keys = document.querySelector("[data-desk-keys]");
if (keys) {
  const choice = keys.querySelector("[data-desk-switch]");
  choice.checked = areOn;
  choice.addEventListener("change", () => {
    areOn = choice.checked;
    store(areOn ? "on" : OFF);
  });
  keys.hidden = false;
}
