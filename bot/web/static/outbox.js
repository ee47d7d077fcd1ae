// What was typed and not yet taken by the server, kept per person so that a reload loses nothing.

const slot = (person) => `jiehua.outbox.${person}`;

export function waiting(person) {
  try {
    const items = JSON.parse(localStorage.getItem(slot(person)) ?? "[]");
    return Array.isArray(items) ? items : [];
  } catch {
    return [];
  }
}

function keep(person, items) {
  try {
    if (items.length) localStorage.setItem(slot(person), JSON.stringify(items));
    else localStorage.removeItem(slot(person));
  } catch {
    // Storage is full or forbidden: the bubble on the page still holds the text.
  }
}

export function put(person, item) {
  keep(person, [...waiting(person).filter(({ key }) => key !== item.key), item]);
}

export function drop(person, key) {
  keep(person, waiting(person).filter((item) => item.key !== key));
}

const draftSlot = (person) => `jiehua.draft.${person}`;

export function draft(person) {
  try {
    return sessionStorage.getItem(draftSlot(person)) ?? "";
  } catch {
    return "";
  }
}

export function keepDraft(person, text) {
  try {
    if (text) sessionStorage.setItem(draftSlot(person), text);
    else sessionStorage.removeItem(draftSlot(person));
  } catch {
    // A draft is a courtesy; without storage it lives as long as the page.
  }
}
