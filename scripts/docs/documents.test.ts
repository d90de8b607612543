import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { DOWN, type DownType, isEventType } from '../../protocol/chat/down.ts';
import { parseUp } from '../../protocol/chat/parse.ts';
import { isUpType, UP } from '../../protocol/chat/up.ts';
import { CLOSE_CODES } from '../../protocol/close-codes.ts';
import { parseEnvelope } from '../../protocol/envelope.ts';
import { ERROR_KINDS } from '../../protocol/errors.ts';
import { PROTOCOL_VERSION } from '../../protocol/version.ts';
import { SETTINGS_TABLE } from '../../server/config.ts';
import { citedRules, specifiedRules } from './rules.ts';
import { withSettings } from './settings-table.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const protocol = read('PROTOCOL.md');

describe('README.md', () => {
  it('CFG-9 shows the settings as the server reads them (npm run docs writes them)', () => {
    const readme = read('README.md');
    expect(withSettings(readme)).toBe(readme);
  });
});

describe('PROTOCOL.md', () => {
  it('is of the version that is spoken', () => {
    expect(protocol).toContain(`This is version ${PROTOCOL_VERSION}.`);
  });

  it.each([...Object.keys(UP), ...Object.keys(DOWN), ...Object.keys(ERROR_KINDS)])('names %s', (name) => {
    expect(protocol).toMatch(new RegExp(`\`${name}[\` ]`));
  });

  it.each(Object.values(CLOSE_CODES))('explains the close code $code', ({ code }) => {
    const rows = protocol.split('\n').filter((line) => /^\| \d{4}/.test(line));
    expect(rows.some((row) => row.split('|')[1]?.includes(String(code)))).toBe(true);
  });

  const frames = [...protocol.matchAll(/^([<>]) (\{.*\})$/gm)].map(([, way = '', text = '']) => ({
    way,
    text,
    type: (JSON.parse(text) as { type: string }).type,
  }));

  it.each(frames)('MSG-7 shows a good frame: $way $type', ({ way, text, type }) => {
    const frame = JSON.parse(text) as { data: unknown; seq?: number; tag?: string; ts?: string };
    if (way === '>') {
      const parsed = parseEnvelope(text);
      if (!parsed.ok || !isUpType(type)) throw new Error('a client may not send this');
      expect(parseUp(type, parsed.envelope.data, parsed.envelope.id)).toMatchObject({ ok: true });
    } else {
      const schema: z.ZodType = DOWN[type as DownType];
      expect(schema.parse(frame.data)).toEqual(frame.data);
      expect(
        [frame.seq, frame.tag, frame.ts].every((field) => (field !== undefined) === isEventType(type)),
      ).toBe(true);
    }
  });

  it('names only settings that exist', () => {
    const known = new Set<string>(SETTINGS_TABLE.map(({ name }) => name));
    const named = [...protocol.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`/g)].map((match) => match[1] ?? '');
    expect(named.filter((name) => !known.has(name) && name !== 'API_KEY')).toEqual([]);
  });
});

describe('SPEC.md', () => {
  const rules = specifiedRules(root);

  it('names no rule twice', () => {
    expect(rules.filter((id, i) => rules.indexOf(id) !== i)).toEqual([]);
  });

  it('has every rule that a test cites', () => {
    const unknown = [...citedRules(root)].filter(([id]) => !rules.includes(id));
    expect(unknown.map(([id, files]) => `${id} in ${files.join(', ')}`)).toEqual([]);
  });
});

describe('links between documents', () => {
  const documents = globSync(['*.md', 'docs/**/*.md'], { cwd: root });

  it.each(documents)('%s leads only to files that exist', (document) => {
    const links = [...read(document).matchAll(/\]\(([^)#]+?)(?:#[^)]*)?\)/g)].map((match) => match[1] ?? '');
    const local = links.filter((link) => !/^[a-z]+:/.test(link));
    expect(local.filter((link) => !existsSync(join(root, dirname(document), link)))).toEqual([]);
  });
});
