import { afterAll } from 'vitest';
import { KeyFile } from '../../wire/support/key-file.ts';

/** Secrets of servers under attack. The attacker knows none of them, the test signs with them. */
export const SESSION_SECRET = 'session-secret-that-is-long-enough-0001';

/** Customers, each a subject of its own. `ADA` is the one who is attacked, `EVE` attacks. */
export const ADA = 'ada-key-0123456789abcdef';
export const EVE = 'eve-key-0123456789abcdef';
/** A key of Ada's that reaches one workspace only. */
export const ADA_OFFICE = 'ada-office-key-0123456789';

/** Settings of a server in production, whose only keys are those of this file's customers. */
export async function productionEnv(): Promise<Readonly<Record<string, string>>> {
  const file = await KeyFile.create([
    { key: ADA, subject: 'ada', permissions: ['chat', 'operate'] },
    { key: ADA_OFFICE, subject: 'ada', workspaces: ['office'] },
    { key: EVE, subject: 'eve', permissions: ['chat'] },
  ]);
  afterAll(() => file[Symbol.asyncDispose]());
  return { NODE_ENV: 'production', SESSION_SECRET, API_KEYS_FILE: file.path };
}
