import { z } from 'zod';
import { permissionSchema } from '../../protocol/chat/handshake.ts';
import { label } from '../../protocol/ids.ts';

/** How subjects of JWTs and of development keys begin: no key of a file may speak for one of those. */
const RESERVED = /^(?:jwt|key):/i;

const keySchema = z.strictObject({
  /** SHA-256 of the key, in hex. */
  sha256: z
    .string()
    .regex(/^[0-9a-fA-F]{64}$/, 'must be 64 hex digits')
    .toLowerCase(),
  subject: z
    .string()
    .min(1)
    .max(256)
    .refine((subject) => !RESERVED.test(subject), 'must not begin with jwt: or key:'),
  permissions: z.array(permissionSchema).min(1).default(['chat']),
  workspaces: z.array(label).min(1).optional(),
  expires_at: z.iso.datetime({ offset: true }).optional(),
  retention: z.string().min(1).max(64).optional(),
  /** Refused from now on, and kept in the file for the record. */
  revoked: z.boolean().default(false),
});
const fileSchema = z.strictObject({ keys: z.array(keySchema) });

/** One key of the file. Unknown fields are faults: a misspelt `expires_at` must not mean "for ever". */
export type KeyEntry = z.output<typeof keySchema>;

export type KeyFile =
  | { readonly ok: true; readonly keys: readonly KeyEntry[] }
  | { readonly ok: false; readonly fault: string };

/**
 * Reads a key file: `{"keys": [{"sha256", "subject", "permissions"?, "workspaces"?, "expires_at"?, "retention"?, "revoked"?}]}`.
 * `policies` are the names that `retention` may be; `refused` are digests that no file may hold.
 * The fault is one line and repeats nothing of the file but positions and field names.
 */
export function parseKeyFile(
  text: string,
  policies: ReadonlySet<string>,
  refused: ReadonlySet<string>,
): KeyFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false, fault: 'is not JSON' };
  }
  const parsed = fileSchema.safeParse(value, { reportInput: false });
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    return { ok: false, fault: `${issue?.path.join('.') || 'the whole'}: ${issue?.message}` };
  }
  const seen = new Set<string>();
  for (const [index, key] of parsed.data.keys.entries()) {
    const at = (fault: string): KeyFile => ({ ok: false, fault: `keys.${index}: ${fault}` });
    if (seen.has(key.sha256)) return at('the same key stands twice');
    if (refused.has(key.sha256)) return at('a development key does not hold here');
    if (key.retention !== undefined && !policies.has(key.retention))
      return at('RETENTION_POLICIES has no policy of that name');
    seen.add(key.sha256);
  }
  return { ok: true, keys: parsed.data.keys };
}
