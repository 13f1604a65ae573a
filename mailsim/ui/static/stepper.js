// The dialogue stepper in the browser.  All that a server said is put there as text, never as
// markup; the ladder is parsed as strict XML, in which text cannot become an element.

const make = (name, set = {}, ...inside) => {
  const one = document.createElement(name);
  for (const [key, value] of Object.entries(set)) {
    if (key === "class") one.className = value;
    else if (key === "text") one.textContent = value;
    else if (value !== false) one.setAttribute(key, value === true ? "" : value);
  }
  one.append(...inside);
  return one;
};

const PATIENCE = 8000; // milliseconds until it is said that nobody answers
let made = 0;

// Of the elements of `box` that `selector` names, one is a tab stop; arrows go from one to another.
function roving(box, selector, back, on, moved) {
  const every = () => [...box.querySelectorAll(selector)];
  const stop = (one) => {
    for (const other of every()) other.tabIndex = other === one ? 0 : -1;
  };
  box.addEventListener("focusin", (event) => {
    const one = event.target.closest(selector);
    if (!one) return;
    stop(one);
    moved(one);
  });
  box.addEventListener("keydown", (event) => {
    const all = every();
    const at = all.indexOf(event.target.closest(selector));
    const goals = { [back]: at - 1, [on]: at + 1, Home: 0, End: all.length - 1 };
    if (at < 0 || !(event.key in goals)) return;
    event.preventDefault();
    all[Math.min(Math.max(goals[event.key], 0), all.length - 1)].focus();
  });
  return stop;
}

function rowOf(row, label) {
  const side = { C: label["side-C"], S: label["side-S"] }[row.kind];
  const item = make("li", { class: `row kind-${{ "#": "note", "=": "tls" }[row.kind] ?? row.kind}` });
  item.append(make("span", { class: "side", "aria-hidden": true, text: side ? row.kind : row.kind === "=" ? "TLS" : "#" }));
  if (side) item.append(make("span", { class: "unseen", text: `${side}: ` }));
  if (side && row.secure) item.append(make("span", { class: "badge", title: label.covered, text: "TLS" }));
  item.append(make("span", { class: "words", lang: side ? "en" : false, text: row.text || "\u00a0" }));
  item.tabIndex = -1;
  return item;
}

function drawn(source) {
  const picture = new DOMParser().parseFromString(source, "image/svg+xml").documentElement;
  return picture.nodeName === "svg" ? document.importNode(picture, true) : null;
}

function render({ model, el }) {
  const label = model.get("labels");
  const id = `mailsim-stepper-${(made += 1)}`;

  const title = make("h4", { id: `${id}-title` });
  const told = make("p", { class: "told", role: "status" });
  const commands = make("div", { class: "commands", role: "toolbar", "aria-label": label.commands });
  const hint = make("p", { class: "hint", id: `${id}-hint` });
  const line = make("textarea", {
    id: `${id}-line`, rows: 1, spellcheck: "false", autocomplete: "off", autocapitalize: "off",
    "aria-describedby": `${id}-keys`,
  });
  const send = make("button", { type: "submit", class: "send", text: label.send });
  const connect = make("button", { type: "button", text: label.connect });
  const listen = make("button", { type: "button", text: label.listen });
  const form = make("form", {},
    make("label", { for: `${id}-line`, text: label.line }), line, send, listen, connect);
  const keys = make("p", { class: "hint", id: `${id}-keys`, text: label["line-hint"] });
  const list = make("ol", {});
  const log = make("div", { class: "log", role: "log", "aria-label": label.transcript }, list);
  const ladder = make("div", { class: "ladder", role: "group", "aria-label": label.ladder, tabindex: "0" });
  const meaning = make("div", {
    class: "meaning", role: "region", "aria-live": "polite", "aria-label": label.meaning, tabindex: "0",
  });
  const root = make("section", {
    class: "mailsim-stepper", "aria-labelledby": `${id}-title`, lang: model.get("lang"),
  },
    title, commands, hint, form, keys, told,
    make("div", { class: "both" },
      make("div", { class: "half" }, make("h5", { text: label.transcript }), log),
      make("div", { class: "half" }, make("h5", { text: label.meaning }), meaning)),
    make("h5", { text: label.ladder }), ladder);
  el.append(root);
  // JupyterLab's shortcuts look at the element that has the focus: see own_keys.js.
  root.addEventListener("focusin", (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true"));

  // A kernel that was started anew knows nothing of this widget, and answers nothing.
  let waiting = 0;
  const ask = (what) => {
    root.setAttribute("aria-busy", "true");
    clearTimeout(waiting);
    waiting = setTimeout(() => tell(label["no-answer"], true), PATIENCE);
    model.send(what);
  };
  const tell = (text, failed) => {
    told.setAttribute("role", failed ? "alert" : "status");
    told.classList.toggle("failed", failed);
    told.textContent = text;
  };
  const say = (text) => ask({ say: text });
  const explain = (row) => {
    for (const one of list.children) one.classList.toggle("now", one === row);
    const said = row ? shown[[...list.children].indexOf(row)]?.said ?? [] : [];
    meaning.replaceChildren(...(said.length ? said : [["", label["meaning-hint"]]]).map(
      ([name, text]) => make("p", { class: name ? "detail" : "" },
        ...(name ? [make("strong", { text: name }), " "] : []), text)));
  };
  const describe = (button) => { hint.textContent = button?.dataset.hint ?? ""; };
  const stopRow = roving(list, ".row", "ArrowUp", "ArrowDown", explain);
  const stopButton = roving(commands, "button", "ArrowLeft", "ArrowRight", describe);
  commands.addEventListener("mouseover", (event) => describe(event.target.closest("button")));
  list.addEventListener("click", (event) => event.target.closest(".row")?.focus());

  let shown = [], offset = 0;
  function showRows() {
    const rows = model.get("rows");
    const anew = rows.length < shown.length || model.get("offset") !== offset;
    if (anew) { list.replaceChildren(); shown = []; offset = model.get("offset"); }
    const fresh = rows.slice(shown.length).map((row) => rowOf(row, label));
    shown = rows;
    if (!fresh.length) return;
    list.append(...fresh); // appended, so that a screen reader reads the new lines alone
    stopRow(list.lastElementChild);
    explain(list.lastElementChild);
    log.scrollTop = log.scrollHeight;
  }

  function buttonOf(one, first) {
    const button = make("button", {
      type: "button", text: one.complete ? one.verb : `${one.verb}…`, title: one.hint,
      "aria-description": [one.hint, one.complete ? label.sends : label.fills].filter(Boolean).join(". "),
    });
    button.dataset.verb = one.verb;
    button.dataset.hint = `${one.verb}: ${one.hint || one.line} — ${one.complete ? label.sends : label.fills}`;
    button.tabIndex = first ? 0 : -1;
    button.addEventListener("click", () => {
      if (one.complete) { say(one.line); return; }
      line.value = one.line;
      fit();
      line.focus();
      line.setSelectionRange(line.value.length, line.value.length);
    });
    return button;
  }

  function showCommands() {
    const had = commands.contains(document.activeElement) ? document.activeElement.dataset.verb : null;
    const buttons = model.get("commands").map((one, at) => buttonOf(one, at === 0));
    commands.replaceChildren(...buttons);
    if (had !== null) {
      // The button that was pressed may be gone: the focus stays among the buttons, or goes to the line.
      const next = buttons.find((one) => one.dataset.verb === had) ?? buttons[0];
      if (next) { stopButton(next); next.focus(); } else (model.get("ended") ? connect : line).focus();
    }
  }

  function showRest() {
    const ended = model.get("ended");
    title.textContent = `${label.dialogue} ${model.get("server")}`.trim();
    tell(model.get("told"), model.get("failed"));
    for (const one of [line, send, listen]) one.disabled = ended;
    connect.hidden = !model.get("can_connect");
    const picture = model.get("ladder") ? drawn(model.get("ladder")) : null;
    ladder.replaceChildren(...(picture ? [picture] : []));
    ladder.scrollTop = ladder.scrollHeight;
  }

  function fit() { line.rows = Math.min(line.value.split("\n").length, 12); }

  let offered = "";
  function showLine() {
    // The script's next line, unless the student has begun one.
    if (line.value === "" || line.value === offered) line.value = model.get("proposed");
    offered = model.get("proposed");
    fit();
  }

  function show() {
    clearTimeout(waiting);
    root.removeAttribute("aria-busy");
    describe(null);
    showRows(); showRest(); showCommands(); showLine();
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    say(line.value);
    line.value = "";
    offered = "";
  });
  line.addEventListener("input", fit);
  line.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    form.requestSubmit();
  });
  connect.addEventListener("click", () => ask({ connect: true }));
  listen.addEventListener("click", () => ask({ listen: true }));
  model.on("change:turn", show);
  show();
  return () => { clearTimeout(waiting); model.off("change:turn", show); };
}

export default { render };
