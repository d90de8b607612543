const time = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const timeWithSeconds = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
});
const day = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' });
const shortDay = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short' });
const full = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'medium' });

/** Milliseconds, or an ISO 8601 text as the wire has it. */
export type Moment = number | string;

const at = (moment: Moment) => new Date(moment);

/** `14:03` */
export const clockTime = (moment: Moment): string => time.format(at(moment));
/** `14:03:27` */
export const exactTime = (moment: Moment): string => timeWithSeconds.format(at(moment));
/** `Friday 20 November 2026 at 14:03:27` */
export const fullTime = (moment: Moment): string => full.format(at(moment));

/** The calendar day, to compare by. */
export const dayKey = (moment: Moment): string => at(moment).toDateString();

/** `Today`, `Yesterday`, `Friday 20 November`. */
export function dayName(moment: Moment, now: number): string {
  if (dayKey(moment) === dayKey(now)) return 'Today';
  if (dayKey(moment) === dayKey(now - 86_400_000)) return 'Yesterday';
  return day.format(at(moment));
}

/** For lists: `14:03` of today, otherwise `20 Nov`. */
export const shortTime = (moment: Moment, now: number): string =>
  dayKey(moment) === dayKey(now) ? clockTime(moment) : shortDay.format(at(moment));
