// The photos of a clinic in the admin: files that are chosen or dropped are sent at once, one
// after the other, each with a bar that shows how far it is; and photos that are being prepared
// show by themselves when they are ready.
//
// Everything is in <form data-photos>, which works without this file. The server answers a file
// with {"row": its row as HTML} or {"refused": a sentence, "again": whether the same file may go
// better in a minute}, and the question for states with {"states": {key: HTML}}. All words are in
// the page.

// While the server looks at as many photos as it can.
const PAUSE_MS = 3000;
const MOST_TRIES = 10;
const POLL_MS = 3000;
const MOST_POLLS = 100;

const form = document.querySelector("[data-photos]");
const part = (name) => form.querySelector(`[data-${name}]`);
const input = form.querySelector("input[type=file]");
const told = part("told");
const queue = [];
let isSending = false;
let isChanged = false;

function say(text) {
  told.textContent = text;
}

// --- Sending

function lineFor(file) {
  const template = document.querySelector("[data-one-file]");
  const line = template.content.firstElementChild.cloneNode(true);
  line.querySelector(".photo-sending__name").textContent = file.name;
  const bar = line.querySelector("progress");
  bar.setAttribute("aria-label", file.name);
  const words = line.querySelector(".photo-sending__words");
  words.textContent = words.dataset.waiting;
  part("sending").append(line);
  return { line, bar, words, again: line.querySelector("button") };
}

function refuse({ line, bar, words, again }, file, sentence, mayGoBetter = false) {
  bar.hidden = true;
  words.textContent = sentence;
  line.classList.add("photo-sending__file--refused");
  say(`${file.name}: ${sentence}`);
  if (!mayGoBetter) return;
  again.hidden = false;
  again.addEventListener("click", () => {
    line.remove();
    add(file);
  }, { once: true });
}

function add(file, shown = lineFor(file)) {
  if (file.size > Number(form.dataset.mostBytes)) {
    refuse(shown, file, form.dataset.tooLarge);
    return;
  }
  queue.push({ file, shown, tries: 0 });
  if (!isSending) sendNext();
}

function sendNext() {
  const next = queue.shift();
  isSending = Boolean(next);
  if (!next) return;
  const { file, shown } = next;
  const request = new XMLHttpRequest();
  const body = new FormData();
  body.append("csrfmiddlewaretoken", form.elements.csrfmiddlewaretoken.value);
  body.append("photos", file);
  request.responseType = "json";
  request.upload.addEventListener("progress", ({ loaded, total }) => {
    const percent = Math.round((100 * loaded) / total);
    shown.bar.value = percent;
    shown.words.textContent = `${percent} ${shown.words.dataset.percent}`;
  });
  request.upload.addEventListener("load", () => {
    // Without a value the bar moves by itself.
    shown.bar.removeAttribute("value");
    shown.words.textContent = shown.words.dataset.lookedAt;
  });
  request.addEventListener("loadend", () => {
    const answer = request.status === 200 && request.response;
    if (answer && answer.row) {
      addRow(answer.row);
      shown.line.remove();
      say(`${file.name}: ${shown.words.dataset.added}`);
    } else if (answer && answer.again && next.tries < MOST_TRIES) {
      next.tries += 1;
      queue.unshift(next);
      shown.words.textContent = shown.words.dataset.busy;
      setTimeout(sendNext, PAUSE_MS);
      return;
    } else if (answer && answer.refused) {
      refuse(shown, file, answer.refused, answer.again);
    } else {
      refuse(shown, file, shown.words.dataset.failed, true);
    }
    sendNext();
  });
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.send(body);
}

function addRow(html) {
  part("list").insertAdjacentHTML("beforeend", html);
  part("none").hidden = true;
  part("save").hidden = false;
  const room = part("room");
  room.textContent = Math.max(0, Number(room.textContent) - 1);
}

function addAll(files) {
  part("sending").querySelectorAll(".photo-sending__file--refused").forEach((line) => line.remove());
  [...files].forEach((file) => add(file));
}

input.addEventListener("change", () => {
  addAll(input.files);
  // So that saving the words does not send them once more.
  input.value = "";
});

const drop = part("drop");
for (const [name, isOver] of [["dragenter", true], ["dragover", true], ["dragleave", false]]) {
  drop.addEventListener(name, (event) => {
    event.preventDefault();
    drop.classList.toggle("photo-drop--over", isOver);
  });
}
drop.addEventListener("drop", (event) => {
  event.preventDefault();
  drop.classList.remove("photo-drop--over");
  addAll(event.dataTransfer.files);
});

form.querySelectorAll("[data-without-script]").forEach((element) => { element.hidden = true; });
form.querySelectorAll("[data-with-script]").forEach((element) => { element.hidden = false; });

// --- What was typed is not lost by leaving

form.addEventListener("input", (event) => { isChanged ||= event.target !== input; });
form.addEventListener("submit", () => { isChanged = false; });
window.addEventListener("beforeunload", (event) => {
  if (isChanged || isSending) event.preventDefault();
});

// --- Photos that are being prepared

function waitingRows() {
  return [...form.querySelectorAll("[data-photo]:has([data-waiting])")];
}

async function poll(round = 0) {
  const rows = waitingRows();
  if (rows.length === 0 || round >= MOST_POLLS) return;
  const query = new URLSearchParams(rows.map((row) => ["photo", row.dataset.photo]));
  const answer = await fetch(`${form.dataset.states}?${query}`).catch(() => null);
  const { states } = answer?.ok ? await answer.json() : { states: {} };
  for (const row of rows) {
    const html = states[row.dataset.photo];
    if (!html) continue;
    const state = row.querySelector("[data-state]");
    const fresh = document.createElement("div");
    fresh.innerHTML = html;
    if (!fresh.querySelector("[data-waiting]")) {
      state.replaceChildren(...fresh.childNodes);
      say(`${state.querySelector("img").alt}: ${state.querySelector("p").textContent}`);
    }
  }
  setTimeout(poll, POLL_MS, round + 1);
}

setTimeout(poll, POLL_MS);
