/**
 * What a text was read as, or what is wrong with it: the rest of a sentence that begins with the variable's name. The
 * text itself is never repeated: what stands in the wrong variable may be a secret.
 */
export type Read<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly fault: string };

/** One setting: how its text is read, and what the documentation says of it. */
export interface Setting<T> {
  /** The default as one would write it; `undefined`: unset. */
  readonly fallback: undefined | string;
  /** What it is when it is not set. */
  readonly absent: T;
  readonly unit: string;
  readonly meaning: string;
  /** A secret: its text is never logged. */
  readonly secret: boolean;
  read(text: string): Read<T>;
}

/** The longest delay that a timer of the platform can hold; longer ones would fire at once. */
export const MAX_TIMER_MS = 2_147_483_647;

const WHOLE_NUMBER = /^\d{1,15}$/;

function whole(
  fallback: number,
  unit: string,
  meaning: string,
  { min, max, off }: { min: number; max: number; off: undefined | number },
): Setting<number> {
  const rule = `must be a whole number from ${min} to ${max}${off === undefined ? '' : ', 0 for no limit'}`;
  const read = (text: string): Read<number> => {
    const value = WHOLE_NUMBER.test(text) ? Number(text) : Number.NaN;
    if (value === 0 && off !== undefined) return { ok: true, value: off };
    if (value >= min && value <= max) return { ok: true, value };
    return { ok: false, fault: rule };
  };
  return { fallback: String(fallback), absent: fallback, unit, meaning, secret: false, read };
}

/** A whole number without an "off". */
export function count(
  fallback: number,
  meaning: string,
  { min = 1, max = Number.MAX_SAFE_INTEGER, unit = '' } = {},
): Setting<number> {
  return whole(fallback, unit, meaning, { min, max, off: undefined });
}

/** A limit on a number of things; 0 turns it off and is read as `Infinity`, so that comparisons need no special case. */
export function limit(
  fallback: number,
  meaning: string,
  { unit = '', max = Number.MAX_SAFE_INTEGER } = {},
): Setting<number> {
  const setting = whole(fallback, unit, meaning, { min: 1, max, off: Infinity });
  return fallback === 0 ? { ...setting, absent: Infinity } : setting;
}

/** A duration that timers wait for, in ms. */
export function timer(fallback: number, meaning: string, { min = 1 } = {}): Setting<number> {
  return whole(fallback, 'ms', meaning, { min, max: MAX_TIMER_MS, off: undefined });
}

/** A timer that 0 turns off; it stays 0 then, because a timer cannot wait for `Infinity`. */
export function optionalTimer(fallback: number, meaning: string): Setting<number> {
  return whole(fallback, 'ms', meaning, { min: 1, max: MAX_TIMER_MS, off: 0 });
}

/** A duration that is only compared with stored times, in ms; `off` is what 0 means (`undefined`: 0 is no value). */
export function duration(
  fallback: number,
  meaning: string,
  { min = 0, off = undefined as undefined | number } = {},
): Setting<number> {
  return whole(fallback, 'ms', meaning, { min, max: Number.MAX_SAFE_INTEGER, off });
}

/** One of a few words. */
export function choice<const T extends string>(
  words: readonly T[],
  fallback: T,
  meaning: string,
): Setting<T> {
  const read = (text: string): Read<T> => {
    const value = words.find((word) => word === text);
    return value === undefined
      ? { ok: false, fault: `must be one of ${words.join(', ')}, written exactly so` }
      : { ok: true, value };
  };
  return { fallback, absent: fallback, unit: '', meaning, secret: false, read };
}

/** `true` or `false`. `absent` may be neither: then the default depends on other settings, and `fallback` says how. */
export function flag<T>(absent: T, fallback: string, meaning: string): Setting<boolean | T> {
  const read = (text: string): Read<boolean> =>
    text === 'true' || text === 'false'
      ? { ok: true, value: text === 'true' }
      : { ok: false, fault: 'must be true or false' };
  return { fallback, absent, unit: '', meaning, secret: false, read };
}

/** Any text. */
export function text<T extends undefined | string>(fallback: T, meaning: string): Setting<string | T> {
  return {
    fallback,
    absent: fallback,
    unit: '',
    meaning,
    secret: false,
    read: (value) => ({ ok: true, value }),
  };
}

/** A text that must not be shown. */
export function secret(meaning: string): Setting<undefined | string> {
  return { ...text(undefined, meaning), secret: true };
}

/** A comma-separated list; `check` answers what is wrong with one item, if anything. */
export function list(
  fallback: undefined | string,
  meaning: string,
  check: (item: string) => undefined | string,
): Setting<readonly string[]> {
  const read = (value: string): Read<readonly string[]> => {
    const items = split(value);
    for (const [index, item] of items.entries()) {
      const fault = check(item);
      if (fault !== undefined) return { ok: false, fault: `${fault} (item ${index + 1} of ${items.length})` };
    }
    return { ok: true, value: items };
  };
  const absent = fallback === undefined ? [] : split(fallback);
  return { fallback, absent, unit: '', meaning, secret: false, read };
}

/** The items of a comma-separated list, trimmed, without empty ones. */
export function split(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}
