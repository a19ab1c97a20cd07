// Lists to tick. What is ticked stays in the page: nothing here sends or stores anything.
//
// [data-checklist] holds boxes with data-reason, in lists with data-strength="strong|other".
// Boxes and [data-needs-script] are hidden without this file, and the list is then plain text.
// [data-raised="strong|other"] shows what is ticked, [data-nothing] that nothing is; [data-count]
// says how much is.
// [data-print] is a button that prints the page, hidden without this file.

function startChecklist(checklist) {
  const boxes = [...checklist.querySelectorAll("[data-reason]")];
  const outlets = [...checklist.querySelectorAll("[data-raised]")];
  const count = checklist.querySelector("[data-count]");
  const nothing = checklist.querySelector("[data-nothing]");

  function show() {
    const ticked = boxes.filter((box) => box.checked);
    for (const outlet of outlets) {
      const raised = ticked.filter(
        (box) => box.closest("[data-strength]").dataset.strength === outlet.dataset.raised,
      );
      outlet.querySelector("ul").replaceChildren(
        ...raised.map((box) => {
          const item = document.createElement("li");
          item.textContent = box.dataset.reason;
          return item;
        }),
      );
      outlet.hidden = raised.length === 0;
    }
    count.textContent = ticked.length;
    nothing.hidden = ticked.length > 0;
    checklist.toggleAttribute("data-ticked", ticked.length > 0);
  }

  function clear() {
    for (const box of boxes) box.checked = false;
    show();
  }

  for (const box of boxes) {
    box.hidden = false;
    box.disabled = false;
  }
  for (const part of checklist.querySelectorAll("[data-needs-script]")) part.hidden = false;
  checklist.addEventListener("change", show);
  checklist.querySelector("[data-clear]").addEventListener("click", clear);
  checklist.querySelector("[data-print-now]").addEventListener("click", () => window.print());
  // A page that comes back from the browser's memory would show the ticks of whoever left it.
  window.addEventListener("pageshow", clear);
}

document.querySelectorAll("[data-checklist]").forEach(startChecklist);
for (const block of document.querySelectorAll("[data-print]")) {
  block.querySelector("button").addEventListener("click", () => window.print());
  block.hidden = false;
}
