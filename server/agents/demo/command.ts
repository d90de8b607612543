/** What a person's message asks the demo agent for. */
export type DemoCommand =
  | { readonly kind: 'count'; readonly to: number }
  | { readonly kind: 'remember'; readonly key: string; readonly value: string }
  | { readonly kind: 'recall'; readonly key: string }
  | { readonly kind: 'prefer'; readonly key: string; readonly value: string }
  | { readonly kind: 'calc'; readonly expression: string }
  | { readonly kind: 'plan'; readonly topic: string }
  | { readonly kind: 'echo'; readonly text: string };

export const MAX_COUNT = 500;
const MAX_KEY = 128;

/** Reads a message. Commands are trimmed and case-insensitive; keys, values and topics keep their case. */
export function parseCommand(text: string): DemoCommand {
  const [, verb = '', argument = ''] = /^(\S+)\s+(.*)$/s.exec(text.trim()) ?? [];
  return parseVerb(verb.toLowerCase(), argument) ?? { kind: 'echo', text };
}

function parseVerb(verb: string, argument: string): undefined | DemoCommand {
  switch (verb) {
    case 'count':
      return parseCount(argument);
    case 'remember': {
      // Not one pattern for the whole: it would try every end of the key with every number of spaces after it.
      const at = argument.search(/\sis\s/i);
      if (at < 0) return undefined;
      const value = argument.slice(at + 4).trimStart();
      return withKey(argument.slice(0, at), (k) =>
        value === '' ? undefined : { kind: 'remember', key: k, value },
      );
    }
    case 'recall':
      return withKey(argument, (key) => ({ kind: 'recall', key }));
    case 'prefer': {
      const [, key = '', value = ''] = /^(\S+)\s+(.+)$/s.exec(argument) ?? [];
      return withKey(key, (k) => (value === '' ? undefined : { kind: 'prefer', key: k, value }));
    }
    case 'calc':
      return { kind: 'calc', expression: argument };
    case 'plan':
      return { kind: 'plan', topic: argument };
    default:
      return undefined;
  }
}

function parseCount(argument: string): undefined | DemoCommand {
  const [, digits] = /^to\s+(\d{1,6})$/i.exec(argument) ?? [];
  const to = Number(digits ?? 0);
  return to >= 1 && to <= MAX_COUNT ? { kind: 'count', to } : undefined;
}

/** A key as it is stored: one space between words. One that cannot be a key makes the message no command. */
function withKey(text: string, make: (key: string) => undefined | DemoCommand): undefined | DemoCommand {
  const key = text.trim().replace(/\s+/g, ' ');
  // The name of a prototype is nobody's variable.
  if (key === '' || key.length > MAX_KEY || key === '__proto__') return undefined;
  return make(key);
}
