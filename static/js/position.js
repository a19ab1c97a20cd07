// "Use my position": puts the visitor's rough position into the field of a place and searches.
//
// <div data-position="id of the field" hidden> holds a button and a <p role="status"> whose
// data-asking, data-refused and data-unknown are what it may come to say. Hidden without this
// file. The position is asked for on a press of the button only, and rounded before it is used.

// Two decimals of a degree are about one kilometre.
const DECIMALS = 2;
const PATIENCE = { timeout: 15_000, maximumAge: 600_000 };

function offerPosition(block) {
  const field = document.getElementById(block.dataset.position);
  const status = block.querySelector("[role=status]");

  function found({ coords }) {
    field.value = `${coords.latitude.toFixed(DECIMALS)},${coords.longitude.toFixed(DECIMALS)}`;
    status.textContent = "";
    field.form.requestSubmit();
  }

  function notFound(error) {
    const { refused, unknown } = status.dataset;
    status.textContent = error.code === error.PERMISSION_DENIED ? refused : unknown;
  }

  block.querySelector("button").addEventListener("click", () => {
    status.textContent = status.dataset.asking;
    navigator.geolocation.getCurrentPosition(found, notFound, PATIENCE);
  });
  block.hidden = false;
}

if (window.isSecureContext && "geolocation" in navigator) {
  document.querySelectorAll("[data-position]").forEach(offerPosition);
}
