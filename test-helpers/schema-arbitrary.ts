import fc from 'fast-check';
import { z } from 'zod';

/** The part of JSON Schema that the protocol's schemas turn into. */
interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly allOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly items?: JsonSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
}

const MAX_ITEMS = 4;
const MAX_LENGTH = 40;

/** Any JSON object of a depth that the protocol takes. */
export const jsonObjects = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 }), { maxKeys: MAX_ITEMS });

/**
 * Inputs that the schema takes, as JSON can carry them. Derived from its JSON Schema; what that cannot say (refinements)
 * is filtered.
 */
export function inputsOf(schema: z.ZodType): fc.Arbitrary<unknown> {
  const json = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema;
  return (
    arbitraryOf(json)
      // JSON knows neither -0 nor undefined; what is compared later must have gone through it once.
      .map((value) => JSON.parse(JSON.stringify(value)) as unknown)
      .filter((value) => schema.safeParse(value).success)
  );
}

function arbitraryOf(schema: JsonSchema): fc.Arbitrary<unknown> {
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) return fc.oneof(...choices.map(arbitraryOf));
  if (schema.allOf !== undefined) throw new Error('allOf is not understood here');
  const types = typeof schema.type === 'string' ? [schema.type] : (schema.type ?? ['any']);
  return fc.oneof(...types.map((type) => ofType(type, schema)));
}

function ofType(type: string, schema: JsonSchema): fc.Arbitrary<unknown> {
  switch (type) {
    case 'any':
      return fc.jsonValue({ maxDepth: 3 });
    case 'null':
      return fc.constant(null);
    case 'boolean':
      return fc.boolean();
    case 'number':
      return fc.double({ noNaN: true, noDefaultInfinity: true, min: schema.minimum ?? -1e9 });
    case 'integer':
      return integers(schema);
    case 'string':
      return strings(schema);
    case 'array': {
      const { minItems: minLength = 0, maxItems = MAX_ITEMS } = schema;
      return fc.array(arbitraryOf(schema.items ?? {}), {
        minLength,
        maxLength: Math.min(maxItems, MAX_ITEMS),
      });
    }
    case 'object':
      return objects(schema);
    default:
      throw new Error(`the type ${type} is not understood here`);
  }
}

function integers({ minimum, exclusiveMinimum, maximum }: JsonSchema): fc.Arbitrary<number> {
  const min = exclusiveMinimum === undefined ? minimum : exclusiveMinimum + 1;
  return fc.integer({
    min: min ?? Number.MIN_SAFE_INTEGER,
    max: maximum ?? Number.MAX_SAFE_INTEGER,
  });
}

function strings({ format, pattern, minLength = 0, maxLength = MAX_LENGTH }: JsonSchema) {
  if (format === 'date-time') return timestamps;
  if (pattern !== undefined) return fc.stringMatching(new RegExp(pattern));
  return fc.string({ unit: 'grapheme', minLength, maxLength: Math.min(maxLength, MAX_LENGTH) });
}

const timestamps = fc
  .date({ noInvalidDate: true, min: new Date('1970-01-01'), max: new Date('9999-12-31') })
  .map((date) => date.toISOString());

function objects({ properties, required = [] }: JsonSchema): fc.Arbitrary<unknown> {
  if (properties === undefined) return jsonObjects;
  const model = Object.fromEntries(
    Object.entries(properties).map(([key, schema]) => [key, arbitraryOf(schema)]),
  );
  return fc.record(model, { requiredKeys: [...required] });
}
