// A neutral message as elements: with a title a card, without one a bubble; each line in its style.

import { make, mark } from "./dom.js";
import { show as enlarge } from "./viewer.js";

const OWN_MARK = { good: /^[✓✔✅]\uFE0F?\s*/u, warn: /^[⚠❗❕]\uFE0F?\s*/u };
const MARK_NAME = { good: "做到", warn: "注意", partial: "做到一半", missing: "还没有", none: "不需要" };
const LIST_MARK = { "△": "partial", "○": "missing", "－": "none" };

export function render(message) {
  return message.title ? card(message) : bubble(message);
}

function card(message) {
  const body = make("div", "card-body", ...message.lines.map(line));
  if (message.picture !== null) body.append(picture(message));
  return make("div", "card", title(message.title), body);
}

/** `今日一题｜开口就要退全部费用`: what kind of card, small, above what it is about. */
function title(text) {
  const [, kind, subject] = /^([^｜]{1,12})｜(.+)$/su.exec(text) ?? [null, "", text];
  const heading = make("h3", "card-title");
  if (kind) heading.append(make("span", "card-kind", kind), make("span", "unseen", "｜"));
  heading.append(subject);
  return heading;
}

function bubble(message) {
  const element = make("div", "bubble", ...message.lines.map(line));
  if (message.picture !== null) element.append(picture(message));
  return element;
}

function line({ text, style }) {
  if (style === "quote") return make("blockquote", "line line-quote", text);
  if (style in OWN_MARK) return marked(style, style, text.replace(OWN_MARK[style], ""));
  const listed = style === "plain" && /^([△○－])\s+(.+)$/su.exec(text);
  if (listed) return marked("plain", LIST_MARK[listed[1]], listed[2]);
  return make("p", `line line-${style}`, text);
}

function marked(style, kind, text) {
  return make("p", `line line-${style} line-marked`, mark(kind, MARK_NAME[kind]), make("span", "", text));
}

function picture(message) {
  const image = make("img", "picture-image");
  image.alt = message.title || "图片";
  image.src = `/chat/picture/${message.picture}`;
  const button = make("button", "picture", image);
  button.type = "button";
  button.setAttribute("aria-label", `放大图片：${image.alt}`);
  button.addEventListener("click", () => enlarge(image.src, image.alt));
  image.addEventListener("error", () => button.replaceWith(make("p", "line line-hint", "图片暂时打不开。")));
  return button;
}

/** Quick replies; tapping one is exactly typing what it says. */
export function replies(buttons, say) {
  const group = make("div", "replies");
  group.setAttribute("role", "group");
  group.setAttribute("aria-label", "快捷回复");
  for (const { label, says } of buttons) {
    const button = make("button", "reply", label);
    button.type = "button";
    button.addEventListener("pointerdown", (event) => event.preventDefault()); // the input keeps its focus
    button.addEventListener("click", () => say(says));
    group.append(button);
  }
  return group;
}
