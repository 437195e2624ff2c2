// Shows what the desk says, and sends what its user does, with the revision of the view that stands here.
// The desk decides. Words reach the page as text alone, never as markup. The code is in the page while the desk shows
// it and the page is in sight, and nowhere else.
"use strict";

const PAUSE = 1000;
const DRAWN = 500; // how often a code is drawn anew: its picture says the time
const REST = 500; // a second tap, meant for what stood here before, does nothing
const PATIENCE = 9000; // the agent answers within 5 seconds, or is gone

const part = (id) => document.getElementById(id);
const buttons = [...document.querySelectorAll("button")];
const button = (action) => buttons.find((each) => each.dataset.action === action);

let view = null; // what stands here
let busy = false;
let resting = 0; // the timer
let deadline = 0; // until when the code is shown
let transaction = ""; // whose pages are in ``read``
let drawn = ""; // the page that stands here
const read = new Set(); // pages whose end was in sight

class Refused extends Error {}

async function ask(action, revision, more = {}) {
  const answer = await fetch(action, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ revision, ...more }),
    credentials: "omit",
    redirect: "error",
    signal: AbortSignal.timeout(PATIENCE),
  });
  const content = await answer.json();
  if (answer.status === 409) throw new Refused(content.problem);
  return content;
}

async function follow() {
  for (;;) {
    try {
      show(await ask("view", view === null ? -1 : view.revision));
    } catch {
      lose();
      await new Promise((resume) => setTimeout(resume, PAUSE));
    }
  }
}

async function act(action) {
  if (view === null || busy) return;
  const { revision, asks_pin: asksPin } = view;
  const more = action === "confirm" && asksPin ? { pin: part("pin").value } : {};
  part("pin").value = "";
  part("notice").textContent = "";
  busy = true;
  arrange();
  try {
    show(await ask(action, revision, more));
  } catch (error) {
    part("notice").textContent = error instanceof Refused ? error.message : "The device does not answer.";
  }
  busy = false;
  arrange();
}

function show(shown) {
  if (view !== null && shown.revision < view.revision) return; // a later answer was faster
  if (view?.stage !== shown.stage || transaction !== shown.transaction) rest();
  view = shown;
  if (transaction !== view.transaction) {
    transaction = view.transaction;
    read.clear();
    part("pin").value = "";
    part("notice").textContent = "";
  }
  part("account").textContent = `of ${view.account}`;
  showWaiting();
  showPage();
  if (view.stage === "showing") {
    deadline = Date.now() + view.seconds_left * 1000;
    part("advice").textContent = view.handed_over
      ? "Handed over to the terminal."
      : "Type it, or let the terminal see it.";
    drawCode();
  } else {
    forgetCode();
  }
  arrange();
}

function rest() {
  clearTimeout(resting);
  resting = setTimeout(() => {
    resting = 0;
    arrange();
  }, REST);
}

function showWaiting() {
  part("ended").hidden = view.ended.length === 0;
  part("ended").className = `card ${view.ending}`;
  part("ended").replaceChildren(...view.ended.map((text, at) => line(at % 2 ? "detail" : "strong", text)));
  part("still").textContent = "Waiting for a terminal.";
}

function showPage() {
  const page = JSON.stringify([view.transaction, view.number, view.lines]);
  if (page === drawn) return; // a page that stands here stays as it was scrolled
  drawn = page;
  part("lines").replaceChildren(...view.lines.map(([kind, text]) => line(kind, text)));
  part("main").scrollTop = 0;
  endInSight.disconnect();
  endInSight.observe(part("end"));
}

function line(kind, text) {
  const made = document.createElement("p");
  made.className = kind;
  made.textContent = text;
  return made;
}

const endInSight = new IntersectionObserver(
  (seen) => {
    const here = seen.at(-1).isIntersecting;
    if (here && view !== null && view.stage === "reading") read.add(view.number);
    part("more").classList.toggle("gone", here);
    arrange();
  },
  { root: part("main") },
);

function arrange() {
  const stage = view === null ? "waiting" : view.stage;
  const reading = stage === "reading";
  for (const each of ["waiting", "reading", "showing"]) part(each).hidden = each !== stage;
  part("place").textContent = reading && view.count ? `${view.number} of ${view.count}` : "";
  part("more").hidden = !reading;
  const asksPin = reading && view.asks_pin && view.may_confirm && view.number === view.count;
  part("pin").hidden = !asksPin;
  button("forward").hidden = asksPin;
  part("turning").hidden = !reading || (view.count < 2 && !asksPin);
  part("deciding").hidden = !reading;
  part("coding").hidden = stage !== "showing";
  const whole = reading && read.has(view.number);
  const possible = {
    back: reading && view.number > 1,
    forward: whole && view.number < view.count,
    confirm: whole && view.may_confirm && (asksPin || !view.asks_pin),
    refuse: view !== null,
    "hand-over": stage === "showing" && !view.handed_over,
    "put-away": stage === "showing",
  };
  for (const each of buttons) each.disabled = busy || resting > 0 || !possible[each.dataset.action];
}

async function drawCode() {
  if (view === null || view.stage !== "showing") return;
  const { revision } = view;
  if (document.hidden || Date.now() >= deadline) {
    forgetCode();
    return;
  }
  const seconds = Math.ceil((deadline - Date.now()) / 1000);
  part("left").textContent = `${seconds} seconds left`;
  part("clock").value = seconds;
  try {
    const secret = await ask("code", revision);
    if (view?.revision !== revision || document.hidden) return;
    if (part("code").textContent !== secret.code) part("code").textContent = secret.code;
    part("picture").setAttribute("viewBox", `0 0 ${secret.modules} ${secret.modules}`);
    part("modules").setAttribute("d", secret.path);
  } catch {
    if (view?.revision === revision) forgetCode();
  }
}

function forgetCode() {
  part("code").textContent = "";
  part("modules").removeAttribute("d");
  part("left").textContent = "";
  part("clock").value = 0;
}

function lose() {
  view = null;
  drawn = "";
  part("pin").value = "";
  part("lines").replaceChildren();
  part("ended").hidden = true;
  part("still").textContent = "The device does not answer. Is it running?";
  forgetCode();
  arrange();
}

for (const each of buttons) each.addEventListener("click", () => act(each.dataset.action));
part("pin").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !button("confirm").disabled) act("confirm");
});
document.addEventListener("visibilitychange", () => (document.hidden ? forgetCode() : drawCode()));
window.addEventListener("pagehide", forgetCode);
setInterval(drawCode, DRAWN);
follow();
