import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type HttpApp, openHttpApp } from '../../test-helpers/http-app.ts';
import { openTestStore } from '../../test-helpers/test-store.ts';
import { DOWN, EVENTS } from '../../protocol/chat/down.ts';
import { STATE_CHANGING, UP } from '../../protocol/chat/up.ts';
import { CLOSE_CODES } from '../../protocol/close-codes.ts';
import { ERROR_KINDS } from '../../protocol/errors.ts';
import { asyncApi } from './asyncapi.ts';

type Node = { readonly [key: string]: Node } & readonly Node[];

/** Every `$ref` in the document, followed to where it points. */
function refs(document: unknown): [string, unknown][] {
  const found: string[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, child] of Object.entries(value)) {
      if (key === '$ref' && typeof child === 'string') found.push(child);
      walk(child);
    }
  };
  walk(document);
  const at = (ref: string) =>
    ref
      .replace('#/', '')
      .split('/')
      .reduce<unknown>((node, part) => (node as undefined | Node)?.[part], document);
  return found.map((ref) => [ref, at(ref)]);
}

let http: HttpApp;
let close: () => Promise<void>;
beforeAll(async () => {
  const store = await openTestStore();
  http = await openHttpApp(store);
  close = async () => {
    await http[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
  };
});
afterAll(() => close());

describe('OpenAPI', () => {
  it('HTP-30 names every route for people and operators, with its schemas', async () => {
    const reply = await http.inject('/api/openapi.json');
    const document = reply.json();
    expect(document.openapi).toBe('3.1.0');
    const routes = Object.entries<object>(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method} ${path}`),
    );
    expect(routes.sort()).toEqual([
      'delete /api/chat/threads/{id}',
      'get /api/chat/threads',
      'get /api/chat/threads/{id}',
      'get /healthz',
      'get /metrics',
      'get /readyz',
      'patch /api/chat/threads/{id}',
      'post /api/chat/threads',
    ]);
    for (const methods of Object.values<Record<string, Node>>(document.paths))
      for (const operation of Object.values(methods)) {
        expect(operation.operationId).toBeTypeOf('string');
        expect(Object.keys(operation.responses ?? {}).length).toBeGreaterThan(0);
      }
    const create = document.paths['/api/chat/threads'].post;
    expect(create.security).toEqual([{ apiKey: [] }]);
    expect(Object.keys(create.requestBody.content['application/json'].schema.properties)).toContain('title');
    expect(create.responses['201'].content['application/json'].schema.required).toContain('session_id');
    expect(create.responses['4XX'].content['application/problem+json'].schema.required).toContain('status');
    for (const [ref, target] of refs(document)) expect([ref, target]).not.toEqual([ref, undefined]);
  });
});

describe('AsyncAPI', () => {
  it('HTP-31 is served, and every reference in it leads somewhere', async () => {
    const document = (await http.inject('/api/asyncapi.json')).json();
    expect(document).toEqual(JSON.parse(JSON.stringify(asyncApi())));
    expect(document.asyncapi).toBe('3.0.0');
    expect(document.info).toMatchObject({ title: expect.any(String), version: expect.any(String) });
    const all = refs(document);
    expect(all.length).toBeGreaterThan(0);
    for (const [ref, target] of all) expect([ref, target]).not.toEqual([ref, undefined]);
  });

  it('HTP-31 has both operations, over one channel, with every message type and nothing else', () => {
    const { operations, channels, components } = asyncApi();
    const names = (types: object, side: string) => Object.keys(types).map((type) => `${side}.${type}`);
    const up = names(UP, 'client');
    const down = names(DOWN, 'server');
    const listed = (messages: readonly { $ref: string }[]) =>
      messages.map(({ $ref }) => $ref.split('/').at(-1));
    expect(operations.receiveFromClient.action).toBe('receive');
    expect(listed(operations.receiveFromClient.messages)).toEqual(up);
    expect(operations.sendToClient.action).toBe('send');
    expect(listed(operations.sendToClient.messages)).toEqual(down);
    expect(Object.keys(channels.chat.messages)).toEqual([...up, ...down]);
    expect(Object.keys(components.messages)).toEqual([...up, ...down]);
    for (const name of [...up, ...down]) expect(name).toMatch(/^[\w.-]+$/);
  });

  it('HTP-31 describes each message as its frame, and forbids no unknown field', () => {
    const { messages } = asyncApi().components;
    for (const [name, message] of Object.entries(messages)) {
      const { payload } = message;
      const type = name.split('.')[1] ?? '';
      expect(payload.properties.type).toEqual({ const: type });
      expect(payload.properties.data).toMatchObject({ type: 'object' });
      const logged = name.startsWith('server.') && type in EVENTS;
      expect(payload.required.includes('seq')).toBe(logged);
      const needsId = name.startsWith('client.') && (STATE_CHANGING as readonly string[]).includes(type);
      expect(payload.required.includes('id')).toBe(needsId);
    }
    expect(JSON.stringify(messages)).not.toContain('"additionalProperties":false');
  });

  it('HTP-31 lists the close codes and error types', () => {
    const document = asyncApi();
    expect(document['x-close-codes']).toHaveLength(Object.keys(CLOSE_CODES).length);
    expect(document['x-error-types'].map((error) => error.error_type)).toEqual(Object.keys(ERROR_KINDS));
  });
});
