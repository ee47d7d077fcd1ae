// A picture at full size, in a dialog; Escape, the button or a click closes it.

import { byId } from "./dom.js";

const dialog = byId("viewer");

export function show(source, description) {
  byId("viewer-picture").src = source;
  byId("viewer-picture").alt = description;
  dialog.showModal();
}

dialog.addEventListener("click", () => dialog.close());
