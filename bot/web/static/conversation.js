// The conversation area: rows in order, times between them, where the reader stands, and what came in meanwhile.

import { byId, make } from "./dom.js";
import { render, replies } from "./message.js";
import { fullDay, read, sameDay, shortDay, timeOf } from "./times.js";

const PAUSE = 5 * 60 * 1000; // a new time is shown after this long a silence
const BURST = 3000; // messages closer together than this are read as one
const NEAR = 60; // pixels from the end that still count as reading along

export class Conversation {
  constructor({ say, resend, older }) {
    this.actions = { say, resend };
    this.window = byId("log-window");
    this.log = byId("log");
    this.typingRow = byId("typing");
    this.newer = byId("newer");
    this.olderButton = byId("older");
    this.olderButton.addEventListener("click", older);
    this.newer.addEventListener("pointerdown", (event) => event.preventDefault()); // the input keeps its focus
    this.newer.addEventListener("click", () => this.toNewest());
    this.window.addEventListener("scroll", () => this.readAlong(), { passive: true });
    const keepEnd = new ResizeObserver(() => this.atEnd && this.toEnd());
    keepEnd.observe(this.window);
    keepEnd.observe(byId("log-inner"));
    this.clear();
  }

  clear() {
    this.log.setAttribute("aria-live", "off");
    this.log.replaceChildren();
    this.rows = new Map(); // line id → row
    this.pending = new Map(); // key → row not yet confirmed
    this.lines = [];
    this.face = "";
    this.atEnd = true;
    this.unread = 0;
    this.firstUnread = null;
    this.typing(false);
    this.showNewer();
  }

  /** Show history from scratch; `more` says that there are older lines. */
  open(lines, more, face) {
    this.clear();
    this.face = face;
    this.olderButton.hidden = !more;
    for (const line of lines) this.append(line);
    this.offerReplies();
    this.restAt(this.log.lastElementChild);
    requestAnimationFrame(() => this.log.setAttribute("aria-live", "polite"));
  }

  /** Older lines above the ones shown; what the reader looks at stays where it is. */
  addOlder(lines, more) {
    const fromEnd = this.window.scrollHeight - this.window.scrollTop;
    const unsettled = [...this.pending.values()].filter((row) => !row.stored);
    const all = [...lines, ...this.lines];
    this.log.setAttribute("aria-live", "off");
    this.log.replaceChildren();
    this.rows.clear();
    this.lines = [];
    for (const line of all) this.append(line);
    this.log.append(...unsettled);
    this.offerReplies();
    this.olderButton.hidden = !more;
    this.window.scrollTop = this.window.scrollHeight - fromEnd;
    requestAnimationFrame(() => this.log.setAttribute("aria-live", "polite"));
  }

  get oldest() {
    return this.lines[0]?.id ?? 0;
  }

  /** A line from the stream. */
  arrive(line) {
    if (this.rows.has(line.id)) return;
    const own = line.mine && this.pending.get(line.key);
    if (own) {
      this.adopt(own, line);
      return;
    }
    const along = this.atEnd;
    const row = this.append(line);
    if (!line.mine) this.typing(false);
    this.offerReplies();
    if (along) this.restAt(line.mine ? row : this.burst(row));
    if (!line.mine && (!along || this.isBelow(row))) this.countUnread(row);
  }

  /** The first of several messages that come together: where the reader begins. */
  burst(row) {
    const now = performance.now();
    const goesOn = this.burstRow?.isConnected && now - this.burstAt < BURST;
    if (!goesOn) this.burstRow = row;
    this.burstAt = now;
    return this.burstRow;
  }

  isBelow(row) {
    return row.offsetTop > this.window.scrollTop + this.window.clientHeight - NEAR;
  }

  append(line) {
    const row = line.mine ? this.mineRow(line.message.lines.map(({ text }) => text).join("\n")) : this.botRow(line);
    this.place(row, read(line.at));
    this.rows.set(line.id, row);
    this.lines.push(line);
    return row;
  }

  place(row, moment) {
    const previous = this.log.lastElementChild?.moment;
    const newDay = !previous || !sameDay(previous, moment);
    if (newDay || moment.at - previous.at > PAUSE) {
      const text = newDay ? `${shortDay(moment)} ${timeOf(moment)}` : timeOf(moment);
      const stamp = make("time", newDay ? "stamp stamp-day" : "stamp", text);
      stamp.moment = moment;
      this.log.append(stamp);
    }
    row.moment = moment;
    row.title = `${fullDay(moment)} ${timeOf(moment)}`;
    this.log.append(row);
  }

  botRow(line) {
    const face = make("img", "face");
    face.src = "/chat/static/icon.svg";
    face.alt = "";
    const who = make("span", "unseen", "接话教练：");
    const row = make("div", "row row-bot", face, make("div", "said", who, render(line.message)));
    row.buttons = line.message.buttons;
    return row;
  }

  mineRow(text) {
    const words = make("div", "bubble", text);
    const state = make("div", "state");
    const face = make("span", "face face-me", this.face);
    face.setAttribute("aria-hidden", "true");
    const row = make("div", "row row-mine", make("div", "said", make("span", "unseen", "我："), words, state), face);
    row.words = words;
    row.state = state;
    return row;
  }

  /** My words before the server has them. */
  addPending(item, moment) {
    const row = this.mineRow(item.text);
    this.place(row, moment);
    this.burstRow = null;
    this.pending.set(item.key, row);
    this.offerReplies();
    this.toEnd();
    return row;
  }

  /** A line of the history that the server stored but never confirmed: it may fail, and succeed, once more. */
  reopen(key) {
    const line = this.lines.find((known) => known.mine && known.key === key);
    this.pending.set(key, this.rows.get(line.id));
  }

  /** The server shows one of my pending lines, perhaps with personal data masked. */
  adopt(row, line) {
    row.words.textContent = line.message.lines.map(({ text }) => text).join("\n");
    row.moment = read(line.at);
    row.stored = true;
    this.rows.set(line.id, row);
    if (!this.lines.some(({ id }) => id === line.id)) this.lines.push(line);
  }

  settle(key, line) {
    const row = this.pending.get(key);
    this.pending.delete(key);
    if (!row) return;
    row.classList.remove("row-failed");
    row.state.replaceChildren();
    if (line && !this.rows.has(line.id)) this.adopt(row, line);
  }

  progress(key, words) {
    const row = this.pending.get(key);
    row?.classList.remove("row-failed");
    row?.state.replaceChildren(words);
  }

  /** Not delivered: say so, and offer to send it again. */
  fail(key, why) {
    const row = this.pending.get(key);
    if (!row) return;
    const again = make("button", "resend", "重发");
    again.type = "button";
    again.addEventListener("click", () => this.actions.resend(key));
    row.classList.add("row-failed");
    row.state.replaceChildren(make("span", "state-why", why ? `未送达 · ${why}` : "未送达"), again);
    if (this.atEnd) this.toEnd();
  }

  typing(on) {
    clearTimeout(this.typingEnds);
    this.typingRow.hidden = !on;
    if (!on) return;
    this.typingEnds = setTimeout(() => this.typing(false), 20000);
    if (this.atEnd) this.toEnd();
  }

  /** Quick replies stand under the bot's newest message that has some, until I have said something. */
  offerReplies() {
    for (const old of this.log.querySelectorAll(".replies")) old.remove();
    for (const row of [...this.log.children].reverse()) {
      if (row.classList.contains("row-mine")) return;
      if (!row.buttons?.length) continue;
      row.querySelector(".said").append(replies(row.buttons, this.actions.say));
      return;
    }
  }

  toEnd() {
    this.window.scrollTop = this.window.scrollHeight;
    this.atEnd = true;
    this.readAlong();
  }

  /** To what came in while reading further up, or to the end. */
  toNewest() {
    if (document.activeElement === this.newer) this.window.focus({ preventScroll: true }); // the button goes away
    if (this.firstUnread) this.restAt(this.firstUnread);
    else this.toEnd();
    this.unread = 0;
    this.firstUnread = null;
    this.showNewer();
  }

  /** Bring a new row into view: its end, but never past its beginning, for a long card is read from the top. */
  restAt(row) {
    if (!row) return;
    const end = this.window.scrollHeight - this.window.clientHeight;
    const stamp = row.previousElementSibling?.classList.contains("stamp") ? row.previousElementSibling : row;
    this.window.scrollTop = Math.min(end, stamp.offsetTop - 12);
    this.atEnd = end - this.window.scrollTop < NEAR;
    this.showNewer();
  }

  countUnread(row) {
    this.unread += 1;
    this.firstUnread ??= row;
    this.showNewer();
  }

  readAlong() {
    const below = this.window.scrollHeight - this.window.scrollTop - this.window.clientHeight;
    this.atEnd = below < NEAR;
    if (this.atEnd || (this.firstUnread && !this.isBelow(this.firstUnread))) {
      this.unread = 0;
      this.firstUnread = null;
    }
    this.showNewer();
  }

  showNewer() {
    this.newer.hidden = this.atEnd;
    this.newer.classList.toggle("newer-count", this.unread > 0);
    byId("newer-text").textContent = this.unread ? `${this.unread} 条新消息` : "";
    this.newer.setAttribute("aria-label", this.unread ? `${this.unread} 条新消息，去看` : "回到最新消息");
  }
}
