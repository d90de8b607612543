import { z } from 'zod';

/** What every chat-plane frame from a client is, before its `type` is looked at. Unknown fields are ignored. */
export const envelopeSchema = z.object({
  type: z.string().min(1).max(64),
  data: z.record(z.string(), z.unknown()),
  id: z.string().min(1).max(64).optional(),
});
export type Envelope = z.infer<typeof envelopeSchema>;

export type ParsedEnvelope = { readonly ok: true; readonly envelope: Envelope } | { readonly ok: false };

/**
 * Reads the text of one frame as an envelope. Checked by hand, not by the schema: this runs for each frame of each
 * client, and must leave `data` uncopied.
 */
export function parseEnvelope(text: string): ParsedEnvelope {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { ok: false };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { ok: false };
  const { type, data, id } = value as Record<string, unknown>;
  if (typeof type !== 'string' || type.length === 0 || type.length > 64) return { ok: false };
  if (typeof data !== 'object' || data === null || Array.isArray(data)) return { ok: false };
  if (id !== undefined && (typeof id !== 'string' || id.length === 0 || id.length > 64)) return { ok: false };
  const envelope = { type, data: data as Record<string, unknown> };
  return { ok: true, envelope: id === undefined ? envelope : { ...envelope, id } };
}
