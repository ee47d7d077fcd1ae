// The input bar: Enter sends, Shift+Enter breaks the line, a word still being composed is left alone.

import { byId } from "./dom.js";

const LIMIT = 5000;
const WARN_FROM = 4500;

export class Composer {
  constructor({ send, changed }) {
    this.form = byId("composer");
    this.words = byId("words");
    this.button = byId("send");
    this.note = byId("composer-note");
    this.send = send;
    this.changed = changed;
    this.enabled = false;
    this.words.addEventListener("input", () => this.refresh());
    this.words.addEventListener("keydown", (event) => this.key(event));
    this.button.addEventListener("pointerdown", (event) => event.preventDefault()); // the input keeps its focus
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
  }

  /** `keyCode` 229: Safari ends the composition before the key that confirmed it. */
  key(event) {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    this.submit();
  }

  get length() {
    return [...this.words.value].length;
  }

  get sendable() {
    return this.enabled && this.words.value.trim() !== "" && this.length <= LIMIT;
  }

  submit() {
    if (this.sendable) {
      const text = this.words.value;
      this.fill("");
      this.send(text);
    }
    this.words.focus();
  }

  fill(text) {
    this.words.value = text;
    this.refresh();
  }

  enable(on) {
    this.enabled = on;
    this.refresh();
  }

  focus() {
    this.words.focus({ preventScroll: true });
  }

  get hasFocus() {
    return this.form.contains(document.activeElement);
  }

  refresh() {
    this.button.setAttribute("aria-disabled", String(!this.sendable));
    this.words.style.height = "auto";
    const frame = this.words.offsetHeight - this.words.clientHeight;
    this.words.style.height = `${this.words.scrollHeight + frame}px`;
    const over = this.length - LIMIT;
    this.note.hidden = this.length <= WARN_FROM;
    this.note.classList.toggle("composer-over", over > 0);
    this.note.textContent = over > 0 ? `最多 5,000 字，超出 ${over} 字` : `还可以写 ${-over} 字`;
    this.changed(this.words.value);
  }
}
