// Suggestions under a search box while typing: a combobox with a list, after the ARIA pattern.
//
// <input type="search" data-suggestions="/address/that/answers/q/"> stays a plain search box
// without this file. The address answers with a list whose options are links; its words, its
// links and their order are the server's.

const QUIET_MS = 150;
const FEWEST_LETTERS = 2;

class SuggestionBox {
  constructor(input) {
    this.input = input;
    this.address = input.dataset.suggestions;
    this.shownFor = "";
    this.popup = document.createElement("div");
    this.popup.className = "suggestions";
    this.popup.hidden = true;
    this.status = document.createElement("p");
    this.status.className = "visually-hidden";
    this.status.setAttribute("role", "status");
    input.after(this.popup, this.status);
    // A field of type "search" may not have the role of a combobox.
    input.type = "text";
    input.enterKeyHint = "search";
    input.setAttribute("role", "combobox");
    input.setAttribute("aria-autocomplete", "list");
    input.setAttribute("aria-haspopup", "listbox");
    input.setAttribute("aria-expanded", "false");

    input.addEventListener("input", () => this.askSoon());
    input.addEventListener("keydown", (event) => this.onKey(event));
    input.addEventListener("blur", () => this.close());
    // The box keeps the focus while a suggestion is pressed; the press still follows the link.
    this.popup.addEventListener("mousedown", (event) => event.preventDefault());
    // A page that comes back from the browser's memory comes back with the list closed.
    window.addEventListener("pagehide", () => this.close());
  }

  get words() {
    return this.input.value.trim();
  }

  get options() {
    return [...this.popup.querySelectorAll("[role=option]")];
  }

  get active() {
    return this.popup.querySelector("[aria-selected=true]");
  }

  askSoon() {
    this.forget();
    if ([...this.words].length < FEWEST_LETTERS) {
      this.close();
      return;
    }
    this.timer = setTimeout(() => this.ask(), QUIET_MS);
  }

  // Whatever was asked before is no longer wanted.
  forget() {
    clearTimeout(this.timer);
    this.asking?.abort();
  }

  async ask() {
    this.forget();
    const asking = new AbortController();
    this.asking = asking;
    const words = this.words;
    const address = new URL(this.address, document.baseURI);
    address.searchParams.set("q", words);
    try {
      const answer = await fetch(address, { signal: asking.signal, redirect: "error" });
      const page = answer.ok ? await answer.text() : "";
      if (!asking.signal.aborted) {
        this.show(page, words);
      }
    } catch {
      // Aborted, or no connection: the search works without suggestions.
      if (!asking.signal.aborted) {
        this.close();
      }
    }
  }

  // `page` is HTML of our own server, which escapes every name in it; scripts in it do not run.
  show(page, words) {
    const list = new DOMParser().parseFromString(page, "text/html").querySelector("[role=listbox]");
    if (!list || document.activeElement !== this.input) {
      this.close();
      return;
    }
    this.popup.replaceChildren(list);
    this.status.textContent = list.dataset.status;
    this.shownFor = words;
    this.open();
  }

  open() {
    const isEmpty = this.options.length === 0;
    this.choose(null);
    this.popup.hidden = isEmpty;
    this.input.setAttribute("aria-expanded", String(!isEmpty));
    if (isEmpty) {
      this.input.removeAttribute("aria-controls");
    } else {
      this.input.setAttribute("aria-controls", this.popup.firstElementChild.id);
    }
  }

  close() {
    this.forget();
    this.choose(null);
    this.popup.hidden = true;
    this.status.textContent = "";
    this.input.setAttribute("aria-expanded", "false");
    this.input.removeAttribute("aria-controls");
  }

  choose(option) {
    this.active?.setAttribute("aria-selected", "false");
    if (option) {
      option.setAttribute("aria-selected", "true");
      option.scrollIntoView({ block: "nearest" });
      this.input.setAttribute("aria-activedescendant", option.id);
    } else {
      this.input.removeAttribute("aria-activedescendant");
    }
  }

  // One further or one back; beyond either end at the other one.
  step(by) {
    const { options } = this;
    const from = options.indexOf(this.active);
    const start = from === -1 && by < 0 ? 0 : from;
    this.choose(options.at((start + by) % options.length));
  }

  onKey(event) {
    const isPlain = !(event.altKey || event.ctrlKey || event.metaKey || event.shiftKey);
    const key = this.keys[event.key];
    // While letters are being composed, the keys belong to the input method.
    if (event.isComposing || !isPlain || !key) {
      return;
    }
    if (key.call(this)) {
      event.preventDefault();
    }
  }

  // What each key does; true when the browser should not do what it does by itself.
  keys = {
    ArrowDown() {
      return this.walk(1);
    },
    ArrowUp() {
      return this.walk(-1);
    },
    Home() {
      return this.leap(0);
    },
    End() {
      return this.leap(-1);
    },
    Enter() {
      const { active } = this;
      active?.click();
      return Boolean(active);
    },
    Escape() {
      const wasOpen = !this.popup.hidden;
      this.close();
      return wasOpen;
    },
    Tab() {
      this.close();
      return false;
    },
  };

  walk(by) {
    if (!this.popup.hidden) {
      this.step(by);
    } else if (this.shownFor === this.words && this.options.length > 0) {
      this.open();
      this.step(by);
    } else {
      this.askSoon();
    }
    return true;
  }

  leap(place) {
    if (!this.active) {
      return false;
    }
    this.choose(this.options.at(place));
    return true;
  }
}

document.querySelectorAll("input[data-suggestions]").forEach((input) => new SuggestionBox(input));
