// The progress bar of an import. [data-progress-address] answers with the state and the share that
// is done; when the state is another than [data-state], the page is read anew. Without this file
// there is a link to look again.

const work = document.querySelector("[data-progress-address]");
const bar = work.querySelector("progress");
const PAUSE = 1500;

async function look() {
  try {
    const answer = await fetch(work.dataset.progressAddress, {
      headers: { accept: "application/json" },
    });
    if (!answer.ok || answer.redirected) {
      // Signed out, or deleted meanwhile: the page itself says so.
      location.reload();
      return;
    }
    const { state, share } = await answer.json();
    if (state !== work.dataset.state) {
      location.reload();
      return;
    }
    if (share === null) bar.removeAttribute("value");
    else bar.value = share;
  } catch {
    // No network for a moment.
  }
  setTimeout(look, PAUSE);
}

setTimeout(look, PAUSE);
