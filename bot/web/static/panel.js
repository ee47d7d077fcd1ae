// Who you are and what time it is: a quiet column on a wide screen, a sheet from the header on a narrow one.

import { byId, make } from "./dom.js";
import * as server from "./server.js";
import { fullDay, read, timeOf } from "./times.js";

const JUMP_HINT = "跳过去看下一次推送；周一早上主管会收到周榜。";
const SEEN = "jiehua.seen";

export const faceOf = (persona) => [...persona.name][0] ?? "我";

export class Panel {
  constructor({ pick, jumped }) {
    this.actions = { pick, jumped };
    this.panel = byId("panel");
    this.opener = byId("panel-open");
    this.narrow = matchMedia("(max-width: 899px)");
    this.people = [];
    this.current = null;
    this.now = null;
    this.opener.addEventListener("click", () => this.toggle(true));
    byId("panel-close").addEventListener("click", () => this.toggle(false));
    byId("backdrop").addEventListener("click", () => this.toggle(false));
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.isOpen) this.toggle(false);
    });
    this.narrow.addEventListener("change", () => this.toggle(false));
    for (const button of this.panel.querySelectorAll(".jump")) {
      button.addEventListener("click", () => this.jump(button));
    }
    this.toggle(false);
    setInterval(() => this.tick(), 1000);
  }

  get isOpen() {
    return this.narrow.matches && !this.panel.inert;
  }

  toggle(open) {
    const narrow = this.narrow.matches;
    const wasOpen = document.body.classList.contains("sheet-open");
    document.body.classList.toggle("sheet-open", narrow && open);
    this.panel.inert = narrow && !open;
    byId("phone").inert = narrow && open;
    byId("backdrop").hidden = !(narrow && open);
    this.opener.setAttribute("aria-expanded", String(narrow && open));
    if (narrow) {
      this.panel.setAttribute("role", "dialog");
      this.panel.setAttribute("aria-modal", "true");
    } else {
      this.panel.removeAttribute("role");
      this.panel.removeAttribute("aria-modal");
    }
    if (narrow && open) (this.panel.querySelector("[aria-pressed=true]") ?? byId("panel-close")).focus();
    else if (narrow && wasOpen) this.opener.focus();
  }

  /** The cast; the buttons stay the same elements as long as the people do, so focus is kept. */
  showCast(people) {
    const same = people.map(({ id }) => id).join() === this.people.map(({ id }) => id).join();
    this.people = people;
    if (!same) byId("cast").replaceChildren(...people.map((persona) => make("li", "", this.personButton(persona))));
    byId("cast-note").hidden = people.length > 0;
    byId("cast-note").textContent = people.length ? "" : "没有可选的身份。";
    this.showUnread();
  }

  personButton(persona) {
    const name = make("span", "person-name", persona.name, make("span", "tag", persona.role_name));
    const button = make(
      "button",
      "person",
      make("span", `person-face role-${persona.role}`, faceOf(persona)),
      make("span", "person-text", name, make("span", "person-blurb", persona.blurb)),
      make("span", "dot"),
    );
    button.type = "button";
    button.dataset.id = persona.id;
    button.firstChild.setAttribute("aria-hidden", "true");
    button.addEventListener("click", () => {
      this.toggle(false);
      this.actions.pick(persona.id);
    });
    return button;
  }

  showCurrent(persona) {
    this.current = persona;
    byId("me-face").textContent = faceOf(persona);
    byId("me-face").className = `me-face role-${persona.role}`;
    byId("me-name").textContent = persona.name;
    byId("phone").className = `phone role-of-${persona.role}`;
    this.opener.hidden = false;
    for (const button of byId("cast").querySelectorAll(".person")) {
      button.setAttribute("aria-pressed", String(Number(button.dataset.id) === persona.id));
    }
    this.showUnread();
  }

  /** A dot on everybody else for whom the bot has written since they were last looked at. */
  showUnread() {
    const seen = this.readSeen();
    let any = false;
    for (const { id, newest } of this.people) {
      if (id === this.current?.id || !(id in seen) || seen[id] > newest) seen[id] = newest;
      const unread = newest > seen[id];
      any ||= unread;
      const dot = byId("cast").querySelector(`[data-id="${id}"] .dot`);
      if (!dot) continue;
      dot.hidden = !unread;
      dot.replaceChildren(...(unread ? [make("span", "unseen", "有新消息")] : []));
    }
    byId("me-dot").hidden = !any;
    try {
      localStorage.setItem(SEEN, JSON.stringify(seen));
    } catch {
      // Without storage the dots last as long as the page.
    }
    this.seen = seen;
  }

  readSeen() {
    try {
      return this.seen ?? JSON.parse(localStorage.getItem(SEEN) ?? "{}");
    } catch {
      return {};
    }
  }

  showClock({ now, jumps }) {
    this.now = { ...read(now), since: performance.now() };
    if (jumps !== undefined) byId("clock-part").hidden = !jumps;
    this.tick();
  }

  /** The moment on the demo's clock, now. */
  get moment() {
    if (!this.now) return { at: Date.now(), offset: -new Date().getTimezoneOffset() * 60000 };
    return { at: this.now.at + performance.now() - this.now.since, offset: this.now.offset };
  }

  tick() {
    if (!this.now) return;
    const moment = this.moment;
    byId("clock-day").textContent = fullDay(moment);
    byId("clock-time").textContent = timeOf(moment);
  }

  async jump(button) {
    if (this.jumping) return;
    this.setJumping(button, true);
    try {
      this.showClock(await server.jump(button.dataset.to));
      this.jumpNote(JUMP_HINT);
      this.toggle(false);
      this.actions.jumped();
    } catch (error) {
      this.jumpNote(`没跳成：${error.message}`, true);
    } finally {
      this.setJumping(button, false);
    }
  }

  setJumping(button, on) {
    this.jumping = on;
    button.setAttribute("aria-busy", String(on));
    for (const each of this.panel.querySelectorAll(".jump")) each.setAttribute("aria-disabled", String(on));
    if (on) this.jumpNote(`正在跳到${button.textContent.trim()}…`);
  }

  jumpNote(text, isProblem = false) {
    byId("jump-note").textContent = text;
    byId("jump-note").classList.toggle("problem", isProblem);
  }
}
