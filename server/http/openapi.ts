import swagger from '@fastify/swagger';
import type { FastifyInstance } from 'fastify';
import { createJsonSchemaTransform } from 'fastify-type-provider-zod';
import { PROTOCOL_VERSION } from '../../protocol/version.ts';
import { asyncApi } from './asyncapi.ts';
import { OPEN_SCHEMAS } from './schemas.ts';

/** Collects the routes registered after it into an OpenAPI document. */
export async function registerOpenApi(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Holdfast over HTTP',
        description:
          'Threads and operations. The conversation itself goes over WebSocket: see /api/asyncapi.json.',
        version: String(PROTOCOL_VERSION),
      },
      components: {
        securitySchemes: { apiKey: { type: 'http', scheme: 'bearer', description: 'An API key, or a JWT' } },
      },
    },
    transform: createJsonSchemaTransform({ zodToJsonConfig: OPEN_SCHEMAS }),
  });
}

/** `/api/openapi.json` and `/api/asyncapi.json`, both generated from the schemas that the server itself checks with. */
export function registerDocuments(app: FastifyInstance): void {
  const schema = { hide: true };
  app.get('/api/openapi.json', { schema }, () => app.swagger());
  const socketDocument = asyncApi();
  app.get('/api/asyncapi.json', { schema }, () => socketDocument);
}
