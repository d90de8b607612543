import type { NodeRecord } from '../store.ts';

/**
 * Decodes what `publish` of scripts/record.lua sends: the kind and its fields a line each, a line with the lengths in bytes of the
 * texts, and the texts. Lengths, because a text may hold anything. `undefined` when it is not such a record.
 */
export function decodeNodeRecord(message: Buffer): undefined | NodeRecord {
  let at = 0;
  const line = (): string => {
    const end = message.indexOf(10, at);
    const text = message.toString('utf8', at, end < 0 ? message.length : end);
    at = end < 0 ? message.length : end + 1;
    return text;
  };
  const texts = (): string[] => {
    const lengths = line().split(' ').filter(Boolean).map(Number);
    return lengths.map((length) => {
      at += length;
      return message.toString('utf8', at - length, at);
    });
  };
  const kind = line();
  const sessionId = line();
  switch (kind) {
    case 'events': {
      const [epoch, fromSeq] = [line(), Number(line())];
      return { kind, sessionId, epoch, fromSeq, events: texts() };
    }
    case 'chunk': {
      const [messageId, runId, attempt, index] = [line(), line(), Number(line()), Number(line())];
      const [json] = texts();
      return json === undefined ? undefined : { kind, sessionId, messageId, runId, attempt, index, json };
    }
    case 'gone':
      return { kind, sessionId };
    default:
      return undefined;
  }
}
