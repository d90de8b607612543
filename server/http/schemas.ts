import type { z } from 'zod';

/**
 * How schemas become documents. Unknown fields are ignored both ways, so no document may forbid them: a client
 * generated from one would break with the next field that is added.
 */
export const OPEN_SCHEMAS = {
  unrepresentable: 'any',
  override: ({ jsonSchema }) => {
    if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  },
} as const satisfies z.core.ToJSONSchemaParams;
