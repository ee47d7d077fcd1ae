// Wall time as the server sees it. Moments come as "2026-11-23T09:07:12+08:00" and are shown as written there, so
// the browser's own time zone never matters.

const WEEKDAYS = ["周日", "周一", "周二", "周三", "周四", "周五", "周六"];
const two = (number) => String(number).padStart(2, "0");

/** The moment and its offset from UTC, both in milliseconds. */
export function read(text) {
  const [, sign, hours, minutes] = /([+-])(\d\d):(\d\d)$/.exec(text) ?? [null, "+", "0", "0"];
  const offset = (sign === "-" ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * 60000;
  return { at: Date.parse(text), offset };
}

/** Year, month, day, weekday and time on the wall. */
export function wall({ at, offset }) {
  const local = new Date(at + offset);
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth() + 1,
    day: local.getUTCDate(),
    weekday: WEEKDAYS[local.getUTCDay()],
    time: `${two(local.getUTCHours())}:${two(local.getUTCMinutes())}`,
  };
}

export function fullDay(moment) {
  const { year, month, day, weekday } = wall(moment);
  return `${year}年${month}月${day}日 ${weekday}`;
}

export function shortDay(moment) {
  const { month, day, weekday } = wall(moment);
  return `${month}月${day}日 ${weekday}`;
}

export const timeOf = (moment) => wall(moment).time;
export const sameDay = (one, other) => fullDay(one) === fullDay(other);
