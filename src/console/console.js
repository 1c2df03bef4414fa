// Everything works without this file; it makes the console live and quicker by keyboard.

for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  button.addEventListener("click", () => copy(button.dataset.copy, button));
}

async function copy(name, button) {
  const text = document
    .getElementById(name)
    ?.textContent.trim()
    .replace(/\s+/g, " ")
    .replace(/^“(.*)”$/, "$1");
  if (!text) return;
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    // Not allowed here, or not over https: selected, it can be copied by hand.
    getSelection().selectAllChildren(document.getElementById(name));
    return tell("Selected: copy it by hand.");
  }
  if (button) button.textContent = "Copied";
  tell("Copied.");
}

// Told to screen readers, every ten seconds at most: the last thing said counts.
const news = document.getElementById("news");
const QUIET_MS = 10_000;
let told = -QUIET_MS;
let waiting;
function tell(text) {
  clearTimeout(waiting);
  const wait = told + QUIET_MS - performance.now();
  if (wait > 0) {
    waiting = setTimeout(() => tell(text), wait);
    return;
  }
  told = performance.now();
  if (news) news.textContent = text;
}

const mark = document.getElementById("live");
const source = document.body.dataset.live;
if (mark && source) {
  const clock = () => new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" }).format(new Date());
  const stream = new EventSource(source);
  let since = null;
  stream.addEventListener("open", () => {
    since = null;
    mark.hidden = false;
    mark.classList.remove("lost");
    mark.textContent = "Live";
  });
  const lost = () => {
    if (since) return;
    since = clock();
    mark.hidden = false;
    mark.classList.add("lost");
    mark.textContent = `Not live since ${since}`;
    tell(mark.textContent);
  };
  stream.addEventListener("error", lost);
  stream.addEventListener("over", () => {
    stream.close();
    lost();
  });
  stream.addEventListener("news", (event) => show(JSON.parse(event.data)));
}

// Numbers change where they stand; what is new waits behind a line, so that nothing moves under a finger.
function show({ texts, fresh }) {
  const changed = [];
  for (const place of document.querySelectorAll("span[data-live]")) {
    const text = texts[place.dataset.live];
    if (text === undefined || text === place.textContent) continue;
    place.textContent = text;
    if (place.dataset.live === "menu.unmatched") changed.push(`${text || "0"} wait for a workspace`);
  }
  const line = document.querySelector("[data-fresh]");
  if (line && fresh !== undefined && line.textContent !== fresh) {
    line.textContent = fresh;
    line.hidden = fresh === "";
    if (fresh) changed.push(fresh);
  }
  if (changed.length > 0) tell(changed.join(". "));
}

const rows = () => [...document.querySelectorAll("[data-list] a.go")];

function step(by) {
  const all = rows();
  const at = all.indexOf(document.activeElement);
  const next = all[at < 0 ? (by > 0 ? 0 : all.length - 1) : at + by];
  next?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.closest("input, select, textarea")) return;
  const keys = document.getElementById("keys");
  const search = document.getElementById("q");
  switch (event.key) {
    case "/":
      if (search?.offsetParent) search.focus();
      else location.assign("/console/search");
      break;
    case "j":
      step(1);
      break;
    case "k":
      step(-1);
      break;
    case "c":
      copy("say", document.querySelector('[data-copy="say"]'));
      return;
    case "?":
      if (!keys) return;
      keys.open = !keys.open;
      keys.querySelector("summary").focus();
      break;
    default:
      return;
  }
  event.preventDefault();
});
