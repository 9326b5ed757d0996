// Comfort for pages that work without it. Nothing here decides anything.

const zone = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "full", timeStyle: "long" });

/** Times as the reader writes them, in the reader's zone; the exact one on hover. */
function localTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const at = new Date(time.dateTime);
    if (Number.isNaN(at.getTime())) continue;
    time.title = `${exact.format(at)} (${time.title})`;
    time.textContent = zone.format(at);
  }
}

/** What was done is said once: not again when the page is loaded again. */
function forgetNotice() {
  const address = new URL(location.href);
  if (!address.searchParams.has("done")) return;
  address.searchParams.delete("done");
  history.replaceState(history.state, "", address);
}

/** A menu closes with the Escape key, and when somebody does something else. */
function menus() {
  const close = (menu) => menu.removeAttribute("open");
  const open = () => document.querySelectorAll("details.menu[open]");
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of open()) {
      close(menu);
      menu.querySelector("summary").focus();
    }
  });
  for (const kind of ["click", "focusin"]) {
    document.addEventListener(kind, (event) => {
      for (const menu of open()) if (!menu.contains(event.target)) close(menu);
    });
  }
}

// No characters that look alike; a power of two, so that each is as likely.
const LETTERS = "abcdefghijkmnpqrstuvwxyz23456789";

const actions = {
  generate(input) {
    const random = crypto.getRandomValues(new Uint8Array(24));
    input.value = Array.from(random, (byte) => LETTERS[byte % 32]).join("");
    input.type = "text";
    input.dispatchEvent(new Event("input"));
    input.focus();
    input.select();
  },
  show(input, button) {
    const hides = input.type === "password";
    input.type = hides ? "text" : "password";
    button.textContent = hides ? "Hide" : "Show";
    button.setAttribute("aria-pressed", String(hides));
  },
  async copy(source, button) {
    const label = button.textContent;
    try {
      await navigator.clipboard.writeText(source.value ?? source.textContent);
      button.textContent = "Copied";
    } catch {
      const range = document.createRange();
      range.selectNodeContents(source);
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      button.textContent = "Selected";
    }
    button.addEventListener("blur", () => { button.textContent = label; }, { once: true });
  },
};

/** Buttons that need a script are there where there is one, and take the place of
 *  those that do the same by asking the server. */
function buttons() {
  for (const button of document.querySelectorAll("button[data-do]")) {
    const on = document.getElementById(button.dataset.on);
    if (!on) continue;
    button.hidden = false;
    button.addEventListener("click", () => actions[button.dataset.do](on, button));
  }
  for (const button of document.querySelectorAll("button[value=generate]")) {
    const input = button.closest(".input").querySelector("input");
    button.addEventListener("click", (event) => {
      event.preventDefault();
      actions.generate(input);
    });
  }
}

/** Says while somebody types that spaces at a password's ends count. */
function spaces() {
  for (const input of document.querySelectorAll("input[data-spaces]")) {
    const warning = document.createElement("p");
    warning.className = "warning";
    warning.setAttribute("role", "status");
    input.closest(".field").append(warning);
    input.addEventListener("input", () => {
      const ends = input.value !== input.value.trim();
      warning.textContent = ends ? "Begins or ends with a space, which counts as a part of it." : "";
    });
  }
}

/** Asks before a form is sent that says what to ask. */
function confirmations() {
  for (const form of document.querySelectorAll("form[data-confirm]")) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sure) return;
      event.preventDefault();
      const dialog = document.createElement("dialog");
      dialog.setAttribute("aria-labelledby", "dialog-title");
      const title = document.createElement("h2");
      title.id = "dialog-title";
      title.textContent = form.dataset.confirm;
      const actions = document.createElement("form");
      actions.method = "dialog";
      actions.className = "actions";
      const [no, yes] = ["Cancel", form.dataset.yes ?? "Continue"].map((label) => {
        const button = document.createElement("button");
        button.className = "button";
        button.value = label;
        button.textContent = label;
        return button;
      });
      no.autofocus = true;
      yes.classList.add("danger");
      actions.append(no, yes);
      dialog.append(title, actions);
      dialog.addEventListener("close", () => {
        dialog.remove();
        if (dialog.returnValue !== yes.value) return;
        form.dataset.sure = "yes";
        form.requestSubmit(event.submitter);
      });
      document.body.append(dialog);
      dialog.showModal();
    });
  }
}

/** A page that waits for something asks again, and replaces what has changed. */
async function again() {
  while (document.body.hasAttribute("data-again")) {
    await new Promise((resume) => setTimeout(resume, 2000));
    if (document.hidden) continue;
    try {
      const answer = await fetch(location.href, { headers: { accept: "text/html" } });
      if (!answer.ok) continue;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of document.querySelectorAll("[data-part]")) {
        const fresh = page.querySelector(`[data-part="${part.dataset.part}"]`);
        if (!fresh) continue;
        localTimes(fresh);
        if (fresh.innerHTML !== part.innerHTML) part.replaceChildren(...fresh.childNodes);
      }
      if (!page.body.hasAttribute("data-again")) document.body.removeAttribute("data-again");
    } catch {
      // The server is away for a moment.
    }
  }
}

localTimes(document);
forgetNotice();
menus();
buttons();
spaces();
confirmations();
again();
