// Shows what the guard's database says, and sends what its operator decides, with what stood here when it was decided.
// The command decides. Words reach the page as text alone, never as markup.
"use strict";

const PAUSE = 1000;
const PATIENCE = 9000;
const SHORT = 16; // digits of a key, as histories name it
const RULES = {
  unanswered: "not all gateways have answered",
  contradicted: "gateways contradict each other",
  "none-has-history": "neither key was known before",
  "several-have-history": "more than one key was known before",
  "one-has-history": "one key alone was known before",
  "decided-by-person": "a person has decided",
};

const part = (id) => document.getElementById(id);

let chosen = ""; // the alarm that is looked at
let alarm = null; // as it stands here
let busy = false;
let round = 0; // the timer of the next look
const choices = new Map(); // by key: "genuine" or "impostor"

class Refused extends Error {}

async function ask(action, content) {
  const answer = await fetch(action, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(content),
    credentials: "omit",
    redirect: "error",
    signal: AbortSignal.timeout(PATIENCE),
  });
  const told = await answer.json();
  if (answer.status === 409) throw new Refused(told.problem);
  return told;
}

async function look() {
  clearTimeout(round);
  const wanted = chosen;
  try {
    const told = await ask("look", { alarm_id: wanted });
    if (wanted === chosen) show(told);
  } catch (error) {
    part("state").textContent = error instanceof Refused ? error.message : "The command does not answer. Is it running?";
  }
  clearTimeout(round);
  round = setTimeout(look, PAUSE);
}

function show(told) {
  part("state").textContent = told.held === 1 ? "1 alarm holds traffic." : `${told.held} alarms hold traffic.`;
  const urgent = (each) => (each.state === "undetermined" ? 0 : 1);
  const alarms = [...told.alarms].sort((one, other) => urgent(one) - urgent(other));
  redraw(part("alarms"), alarms, () => alarms.map(entry));
  part("more").textContent = told.held > alarms.length ? `The newest ${alarms.length}. More: guard alarms --open.` : "";
  redraw(part("gateways"), told.gateways, () =>
    told.gateways.map((each) => row("td", [each.gateway, each.held_notices, time(each.seen_time)])),
  );
  showAlarm(told.alarm);
}

// Anew only if it is another one: whoever is about to click, or reads by ear, is not disturbed.
function redraw(place, content, make) {
  const text = JSON.stringify([content, chosen]);
  if (place.dataset.drawn === text) return;
  place.dataset.drawn = text;
  const focused = place.contains(document.activeElement) ? document.activeElement.dataset.id : "";
  place.replaceChildren(...make());
  if (focused) place.querySelector(`[data-id="${CSS.escape(focused)}"]`)?.focus();
}

function entry(each) {
  const choose = made("button", "");
  choose.type = "button";
  choose.dataset.id = each.alarm_id;
  if (each.alarm_id === chosen) choose.setAttribute("aria-current", "true");
  choose.append(
    made("strong", `${each.user} to ${each.destination}`),
    made("span", each.state === "undetermined" ? "waits for you" : each.state, `tag ${each.state}`),
    made("span", notices(each.held_notices), "quiet"),
  );
  choose.addEventListener("click", () => choose.dataset.id !== chosen && select(choose.dataset.id));
  const item = made("li", "");
  item.append(choose);
  return item;
}

function select(id) {
  chosen = id;
  forget();
  part("notice").textContent = "";
  look();
}

function forget() {
  alarm = null;
  choices.clear();
  if (part("confirm").open) part("confirm").close();
}

function showAlarm(found) {
  part("none").hidden = found !== null;
  part("alarm").hidden = found === null;
  if (found === null) return;
  if (alarm !== null && alarm.seen !== found.seen && choices.size) {
    forget();
    part("notice").textContent = "More has come in about this alarm. Look at it again.";
  }
  alarm = found;
  part("claim").textContent = `${alarm.user} to ${alarm.destination}`;
  part("stands").textContent = alarm.rule === null ? alarm.state : `${alarm.state}: ${RULES[alarm.rule] ?? alarm.rule}`;
  part("facts").replaceChildren(
    ...fact("Alarm", alarm.alarm_id),
    ...fact("Claimed source", alarm.source),
    ...fact("Raised", time(alarm.create_time)),
    ...fact("Held", held()),
  );
  part("advice").hidden = !alarm.may_decide;
  part("advice").textContent =
    `Ask ${alarm.user} by another way, not by mail through this server, which key is genuine: ` +
    "have the first sixteen digits of its fingerprint read to you. All keys may be genuine, or none.";
  const { keys, history: seenBefore, seen, may_decide: mayDecide } = alarm;
  redraw(part("keys"), [keys, seenBefore, seen, mayDecide], () => keys.map(card));
  arrange();
}

function held() {
  const told = alarm.told.filter((each) => each.kind === "block");
  const by = told.filter((each) => each.holds).map((each) => `${each.holds} at ${each.gateway}`);
  return `${notices(alarm.held_notices)}${by.length ? ` (${by.join(", ")})` : ""}; ` +
    `${told.filter((each) => each.acknowledged).length} of ${told.length} gateways block`;
}

function card(key) {
  const frame = made("fieldset", "", "card");
  frame.append(made("legend", `Key ${key.key.slice(0, SHORT)}`));
  const facts = made("dl", "");
  facts.append(
    ...fact("Fingerprint", key.key.match(/.{1,8}/g).join(" ")),
    ...fact("Certificate", key.certificate.slice(0, SHORT)),
    ...fact("Announced", time(key.announced)),
    ...(key.is ? fact("Judged", key.is) : []),
  );
  frame.append(facts, history(key.key.slice(0, SHORT)));
  if (alarm.may_decide) {
    const choice = made("div", "", "row");
    choice.append(option(key.key, "genuine", "Genuine"), option(key.key, "impostor", "An impostor's"));
    frame.append(choice);
  }
  return frame;
}

function history(short) {
  const seen = alarm.history.filter((each) => each.key === short);
  if (!seen.length) return made("p", "No gateway says that it saw this key before.", "quiet");
  const table = made("table", "");
  table.append(made("caption", "Seen before, as gateways say"));
  const head = made("thead", ""), body = made("tbody", "");
  head.append(row("th", ["Side", "Gateway", "Agent", "Address", "First (UTC)", "Last (UTC)", "Times"]));
  body.append(
    ...seen.map((each) =>
      row("td", [each.side, each.gateway, each.agent, each.address, utc(each.first), utc(each.last), each.count]),
    ),
  );
  table.append(head, body);
  const frame = made("div", "", "wide");
  frame.append(table);
  return frame;
}

function option(key, value, text) {
  const label = made("label", ""), input = made("input", "");
  input.type = "radio";
  input.name = key;
  input.value = value;
  input.checked = choices.get(key) === value;
  input.addEventListener("change", () => {
    choices.set(key, value);
    part("notice").textContent = "";
    arrange();
  });
  label.append(input, made("span", text));
  return label;
}

function arrange() {
  part("decide").hidden = alarm === null || !alarm.may_decide;
  part("decide").disabled = busy || alarm === null || !alarm.keys.every((each) => choices.has(each.key));
  part("sure").disabled = busy;
}

function keysThatAre(value) {
  return alarm.keys.map((each) => each.key).filter((key) => choices.get(key) === value);
}

function question() {
  const name = (key) => key.slice(0, SHORT);
  part("consequences").replaceChildren(
    ...keysThatAre("genuine").map((key) => made("li", `${name(key)} is ${alarm.user}'s: what it sent is released.`)),
    ...keysThatAre("impostor").map((key) =>
      made("li", `${name(key)} is an impostor's: what it sent is put aside, and the key is on the black list.`),
    ),
  );
  part("confirm").showModal();
  part("back").focus();
}

async function decide() {
  if (busy || alarm === null) return;
  const { alarm_id, seen } = alarm;
  const content = { alarm_id, seen, genuine: keysThatAre("genuine"), impostors: keysThatAre("impostor") };
  busy = true;
  arrange();
  try {
    await ask("decide", content);
    part("notice").textContent = "Decided. The guard tells its gateways as soon as it runs.";
    choices.clear();
  } catch (error) {
    part("notice").textContent = error instanceof Refused ? error.message : "The command does not answer.";
  }
  busy = false;
  part("confirm").close();
  arrange();
  look();
}

function made(tag, text, kind = "") {
  const each = document.createElement(tag);
  each.textContent = text;
  each.className = kind;
  return each;
}

function row(tag, texts) {
  const each = made("tr", "");
  each.append(...texts.map((text) => made(tag, String(text))));
  return each;
}

function fact(name, text) {
  return [made("dt", name), made("dd", text)];
}

function notices(count) {
  return count === 1 ? "1 notice" : `${count} notices`;
}

function utc(text) {
  return text.replace("T", " ").replace("+00:00", "");
}

function time(text) {
  return `${utc(text)} UTC`;
}

part("decide").addEventListener("click", question);
part("back").addEventListener("click", () => part("confirm").close());
part("sure").addEventListener("click", decide);
look();
