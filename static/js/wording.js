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

  const watch = (field) => {
    // A row that was added is a copy, with the list of the field that it was copied from.
    const place = field.closest(".flex-container") || field;
    if (place.nextElementSibling?.matches("ul.wording")) place.nextElementSibling.remove();
    const list = document.createElement("ul");
    list.className = "wording";
    list.setAttribute("aria-live", "polite");
    // The admin lines up a field and its label in a row, which the list must not be part of.
    place.after(list);
    const show = () => {
      const lines = findings(field.value);
      if (lines.join() === [...list.children].map((item) => item.textContent).join()) return;
      list.replaceChildren(
        ...lines.map((line) => {
          const item = document.createElement("li");
          item.textContent = line;
          return item;
        }),
      );
    };
    let timer = 0;
    field.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(show, 300);
    });
    show();
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
  const check = () => {
    const reversed = low.value && high.value && Number(low.value) > Number(high.value);
    low.setCustomValidity(reversed ? unit.dataset.reversed : "");
    const allowed = units[topic.value];
    const unfit = unit.value && allowed && !allowed.includes(unit.value);
    unit.setCustomValidity(unfit ? unit.dataset.unfit : "");
    const missing = (low.value || high.value) && !unit.value;
    if (missing) unit.setCustomValidity(unit.dataset.missing);
  };
  for (const field of [low, high, unit, topic]) field.addEventListener("input", check);
  check();
})();
