// Talking to the server: JSON calls that fail in three honest ways, and the live stream that never gives up.

/** The server said no; `message` is fit to show. `busy` means: the same again in a moment may work. */
export class Refused extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
    this.busy = status === 503;
    this.final = status >= 400 && status < 500;
  }
}

/** The server could not be reached. */
export class Away extends Error {
  constructor() {
    super("连不上服务，可能已经停了。");
    this.busy = false;
    this.final = false;
  }
}

async function call(path, body, seconds = 15) {
  const options = { signal: AbortSignal.timeout(seconds * 1000) };
  if (body !== undefined) {
    options.method = "POST";
    options.headers = { "Content-Type": "application/json" };
    options.body = JSON.stringify(body);
  }
  let response;
  let answer;
  try {
    response = await fetch(path, options);
    answer = await response.json().catch((error) => {
      if (response.ok) throw error;
      return {};
    });
  } catch {
    throw new Away();
  }
  if (!response.ok) throw new Refused(answer.error ?? "服务出了点问题，请稍后再试。", response.status);
  return answer;
}

export const cast = () => call("/chat/api/cast");
export const clock = () => call("/chat/api/clock");
export const jump = (to) => call("/chat/api/jump", { to }, 120);
export const say = (person, text, key) => call("/chat/api/say", { person, text, key });
export const enter = (person, key) => call("/chat/api/enter", { person, key });
export const lines = (person, before) =>
  call(`/chat/api/lines?person=${person}${before ? `&before=${before}` : ""}`);

/** A key no other message has; works without a secure context too. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * One person's lines as they come. EventSource reconnects by itself after a broken connection but not after an
 * error status, so that is done here.
 */
export class Stream {
  constructor(person, after, { onLine, onReset, onState }) {
    this.person = person;
    this.after = after;
    this.handlers = { onLine, onReset, onState };
    this.open();
  }

  open() {
    this.source = new EventSource(`/chat/events?person=${this.person}&after=${this.after}`);
    this.source.onopen = () => this.handlers.onState(true);
    this.source.onmessage = (event) => {
      this.after = Math.max(this.after, Number(event.lastEventId));
      this.handlers.onLine(JSON.parse(event.data));
    };
    this.source.addEventListener("reset", () => this.handlers.onReset());
    this.source.onerror = () => {
      this.handlers.onState(false);
      if (this.source.readyState === EventSource.CLOSED) this.again = setTimeout(() => this.open(), 2000);
    };
  }

  close() {
    clearTimeout(this.again);
    this.source.close();
  }
}
