// Building elements. Text only ever arrives as text: nothing here or elsewhere parses data as HTML.

export const byId = (id) => document.getElementById(id);

/** An element with a class, and children that are elements or text. */
export function make(tag, className, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  element.append(...children);
  return element;
}

const SVG = "http://www.w3.org/2000/svg";
const PATHS = {
  good: "M3.5 8.5 6.75 11.75 12.5 5",
  warn: "M8 3.75v5M8 12v.2",
  partial: "M4.5 8h7",
  missing: "",
  none: "M5.5 8h5",
};

/** A small round mark, named for those who do not see it. */
export function mark(kind, name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `mark mark-${kind}`);
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("role", "img");
  svg.setAttribute("aria-label", name);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", PATHS[kind]);
  svg.append(path);
  return svg;
}

export const prefersTouch = () => matchMedia("(pointer: coarse)").matches;
