const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const two = (big: number, bigUnit: string, small: number, smallUnit: string) =>
  small === 0 ? `${big} ${bigUnit}` : `${big} ${bigUnit} ${small} ${smallUnit}`;

/** A duration in words, its two largest units: `14 s`, `2 min 14 s`, `1 h 5 min`, `3 days`. */
export function duration(ms: number): string {
  const t = Math.max(0, ms);
  if (t < SECOND) return 'under 1 s';
  if (t < MINUTE) return `${Math.floor(t / SECOND)} s`;
  if (t < HOUR) return two(Math.floor(t / MINUTE), 'min', Math.floor((t % MINUTE) / SECOND), 's');
  if (t < DAY) return two(Math.floor(t / HOUR), 'h', Math.floor((t % HOUR) / MINUTE), 'min');
  const days = Math.floor(t / DAY);
  return days === 1 ? '1 day' : `${days} days`;
}

/** What is left of a wait, in whole seconds and never none: `3 s`, `2 min 5 s`. */
export function countdown(ms: number): string {
  return duration(Math.max(1, Math.ceil(ms / SECOND)) * SECOND);
}

/** `1 message`, `2 messages`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return n === 1 ? `1 ${one}` : `${n.toLocaleString('en')} ${many}`;
}
