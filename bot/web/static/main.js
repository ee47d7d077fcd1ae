// Wiring: one person at a time, their conversation, what they type, and the stream that keeps it live.

import { Composer } from "./composer.js";
import { Conversation } from "./conversation.js";
import { byId, prefersTouch } from "./dom.js";
import * as outbox from "./outbox.js";
import { faceOf, Panel } from "./panel.js";
import * as server from "./server.js";

const BUSY_WAITS = [1, 2, 4, 8]; // seconds between tries while the server says it is busy
const sleep = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

let me = null; // the persona being played
let stream = null;
let visit = 0; // counts pickings, so that a late answer for the person before is dropped
let queue = Promise.resolve(); // what is typed goes out in the order typed
const inFlight = new Set(); // keys on their way

const conversation = new Conversation({ say, resend, older });
const composer = new Composer({
  send: say,
  changed: (text) => me && outbox.keepDraft(me.id, text),
});
const panel = new Panel({
  pick: (id) => become(panel.people.find((persona) => persona.id === id)),
  jumped: () => {
    conversation.toNewest(); // what came with the new day
    refreshCast();
  },
});

// Saying something

function say(text) {
  if (!me) return;
  const item = { key: server.newKey(), text, at: Date.now() };
  outbox.put(me.id, item);
  conversation.addPending(item, panel.moment);
  if (!prefersTouch() || composer.hasFocus) composer.focus();
  send(me.id, item);
}

function resend(key) {
  const item = outbox.waiting(me.id).find((waiting) => waiting.key === key);
  if (!item) return;
  composer.focus(); // the button goes away with the mark
  send(me.id, item);
}

function send(person, item) {
  conversation.progress(item.key, "");
  conversation.typing(true);
  inFlight.add(item.key);
  queue = queue.then(() => deliver(person, item)).finally(() => inFlight.delete(item.key));
}

/** One message to the server: again while it is busy, otherwise the failure is shown and the text kept. */
async function deliver(person, item) {
  const shown = () => me?.id === person;
  for (let attempt = 0; ; attempt += 1) {
    try {
      const { line } = await server.say(person, item.text, item.key);
      outbox.drop(person, item.key);
      if (shown()) conversation.settle(item.key, line);
      return;
    } catch (error) {
      if (error.busy && attempt < BUSY_WAITS.length) {
        if (shown()) conversation.progress(item.key, "系统正忙，正在重发…");
        await sleep(BUSY_WAITS[attempt]);
        continue;
      }
      if (shown()) {
        conversation.typing(false);
        conversation.fail(item.key, error.final ? error.message : "");
        byId("spoken").textContent = `未送达：${error.message}`;
      }
      return;
    }
  }
}

// Being somebody

function become(persona) {
  if (persona) enterAs(persona).catch((error) => showBanner(error.message));
}

async function enterAs(persona) {
  const mine = (visit += 1);
  stream?.close();
  if (me?.id !== persona.id) {
    me = persona;
    conversation.open([], false, faceOf(persona));
    composer.fill(outbox.draft(persona.id));
  }
  panel.showCurrent(persona);
  composer.enable(true);
  if (!prefersTouch()) composer.focus();
  history.replaceState(null, "", `?person=${persona.id}`);
  document.title = `接话教练 · ${persona.name}`;
  const past = await untilItWorks(() => server.lines(persona.id), mine);
  if (mine !== visit) return;
  showHistory(persona, past);
  listen(persona, past.lines.at(-1)?.id ?? 0);
  const key = server.newKey();
  await untilItWorks(() => server.enter(persona.id, key), mine);
}

function showHistory(persona, { lines, more }) {
  conversation.open(lines, more, faceOf(persona));
  const stored = new Set(lines.map(({ key }) => key));
  for (const item of outbox.waiting(persona.id)) {
    if (stored.has(item.key)) conversation.reopen(item.key);
    else conversation.addPending(item, panel.moment);
    if (inFlight.has(item.key)) continue;
    // Stored, but its answer may not have been asked for: the key makes asking again harmless.
    if (stored.has(item.key)) send(persona.id, item);
    else conversation.fail(item.key);
  }
}

async function older() {
  const mine = visit;
  const page = await untilItWorks(() => server.lines(me.id, conversation.oldest), mine);
  if (mine === visit) conversation.addOlder(page.lines, page.more);
}

function listen(persona, after) {
  stream = new server.Stream(persona.id, after, {
    onLine: (line) => conversation.arrive(line),
    onReset: () => become(persona),
    onState: showConnection,
  });
}

let bannerTimer;
function showConnection(connected) {
  if (connected) {
    clearTimeout(bannerTimer);
    bannerTimer = undefined;
    byId("banner").hidden = true;
  } else {
    bannerTimer ??= setTimeout(() => showBanner("连接断开了，正在重新连接…"), 1200);
  }
}

function showBanner(text) {
  byId("banner").textContent = text;
  byId("banner").hidden = false;
}

/** Try until the server answers or the visitor has moved on; a refusal ends it. */
async function untilItWorks(ask, mine) {
  for (let failed = false; mine === visit; failed = true) {
    try {
      const answer = await ask();
      if (failed) showConnection(true);
      return answer;
    } catch (error) {
      if (error.final) throw error;
      showConnection(false);
      await sleep(2);
    }
  }
  return { lines: [], more: false };
}

// The surroundings

async function refreshCast() {
  try {
    panel.showCast((await server.cast()).cast);
  } catch {
    // The next look will tell.
  }
}

async function refreshClock() {
  try {
    panel.showClock(await server.clock());
  } catch {
    // The clock ticks on by itself.
  }
}

/** Whom the address names, else the first learner; an id outside the cast is taken at its word. */
function whoToBe(people) {
  const wanted = Number(new URLSearchParams(location.search).get("person"));
  const named = people.find(({ id }) => id === wanted);
  if (named || !wanted || people.length) {
    return named ?? people.find(({ role }) => role === "learner") ?? people[0];
  }
  return { id: wanted, name: "我", role: "learner", role_name: "", blurb: "", newest: 0 };
}

async function start() {
  const { cast } = await untilItWorks(server.cast, visit);
  panel.showCast(cast);
  await refreshClock();
  setInterval(refreshCast, 4000);
  setInterval(refreshClock, 30000);
  become(whoToBe(cast));
}

composer.refresh();
start().catch((error) => showBanner(error.message));
