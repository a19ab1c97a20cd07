// Says while an editor types which words sell, and which numbers cannot be. What may be
// stored is decided by the server; see treatments/wording.py and treatments/editing_forms.py.
(() => {
  "use strict";
  const source = document.querySelector("[data-wording-rules]");
  if (!source) return;
  const rules = JSON.parse(source.dataset.wordingRules).map((rule) => ({
    pattern: new RegExp(`(?<![a-z0-9])(?:${rule.pattern})(?![a-z0-9])`, "g"),
    why: rule.why,
  }));

  const fold = (text) =>
    text
      .normalize("NFKD")
      .replace(/[\p{Mn}\p{Me}\p{Cf}]/gu, "")
      .toLowerCase()
      .replace(/[-‐‑‒–—―−_/\s'’‘`]+/gu, " ");

  const findings = (text) =>
    rules.flatMap((rule) =>
      [...new Set(fold(text).match(rule.pattern) || [])].map((words) => `“${words}”: ${rule.why}`),
    );

  // The list of what is wrong with a field, below it.
  const listBelow = (field) => {
    // A row that was added is a copy, with the list of the field that it was copied from.
    const place = field.closest(".flex-container") || field;
    if (place.nextElementSibling?.matches("ul.wording")) place.nextElementSibling.remove();
    const list = document.createElement("ul");
    list.className = "wording";
    list.setAttribute("aria-live", "polite");
    // The admin lines up a field and its label in a row, which the list must not be part of.
    place.after(list);
    return list;
  };

  const show = (list, lines) => {
    if (lines.join() === [...list.children].map((item) => item.textContent).join()) return;
    list.replaceChildren(
      ...lines.map((line) => {
        const item = document.createElement("li");
        item.textContent = line;
        return item;
      }),
    );
  };

  const watch = (field) => {
    const list = listBelow(field);
    let timer = 0;
    field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(() => show(list, findings(field.value)), 300);
    });
    show(list, findings(field.value));
  };
  document.querySelectorAll("[data-wording]").forEach(watch);
  document.addEventListener("formset:added", (event) =>
    event.target.querySelectorAll("[data-wording]").forEach(watch),
  );

  const [low, high, unit, topic] = ["low", "high", "unit", "topic"].map((name) =>
    document.getElementById(`id_${name}`),
  );
  if (!low || !high || !unit || !topic) return;
  const units = JSON.parse(unit.dataset.units || "{}");
  const lists = new Map([low, unit].map((field) => [field, listBelow(field)]));
  // The admin's forms are sent whatever a browser thinks of them: it shows no words of its own.
  const say = (field, words) => {
    field.setCustomValidity(words);
    show(lists.get(field), words ? [words] : []);
  };
  const check = () => {
    const reversed = low.value && high.value && Number(low.value) > Number(high.value);
    say(low, reversed ? unit.dataset.reversed : "");
    const allowed = units[topic.value];
    const unfit = unit.value && allowed && !allowed.includes(unit.value);
    const missing = (low.value || high.value) && !unit.value;
    say(unit, missing ? unit.dataset.missing : unfit ? unit.dataset.unfit : "");
  };
  for (const field of [low, high, unit, topic]) field.addEventListener("input", check);
  check();
})();
