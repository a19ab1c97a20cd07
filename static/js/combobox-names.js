// Names the search boxes of the admin's forms: the box that stands in for a list of thousands has
// the name of its value only, and none while it is empty. It gets that of its label as well.

function name(box) {
  const select = box.previousElementSibling;
  const label = select?.id ? document.querySelector(`label[for="${CSS.escape(select.id)}"]`) : null;
  const field = box.querySelector("[role=combobox]");
  const value = field?.querySelector(".select2-selection__rendered");
  if (!field || !value) return;
  if (label) {
    label.id ||= `${select.id}-label`;
    field.setAttribute("aria-labelledby", `${label.id} ${value.id}`);
    value.setAttribute("aria-labelledby", label.id);
  } else if (select?.ariaLabel) {
    field.removeAttribute("aria-labelledby");
    field.ariaLabel = select.ariaLabel;
    value.ariaLabel = select.ariaLabel;
  }
}

function nameAll() {
  document.querySelectorAll(".select2-container").forEach(name);
}

// After Django's own scripts have made the boxes; and again for a row that was added.
document.addEventListener("DOMContentLoaded", () => setTimeout(nameAll));
window.addEventListener("load", nameAll);
document.addEventListener("formset:added", () => setTimeout(nameAll));
