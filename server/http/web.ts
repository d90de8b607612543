import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { join, sep } from 'node:path';
import helmet from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyPluginAsync, FastifyRequest } from 'fastify';
import { HttpProblem } from './problems.ts';
import type { TcpSockets } from './tcp-sockets.ts';

/** Where Vite puts files whose names change with their content. */
const HASHED = `${sep}assets${sep}`;
/** When to ask again while every descriptor is taken. */
const FILE_RETRY_MS = 1000;
const IMMUTABLE = 'public, max-age=31536000, immutable';

/**
 * Security headers on every answer. The policy allows what comes from this server and nothing inline, nobody may frame
 * it, and no referrer leaves. TLS, and with it HSTS, is the matter of whoever ends it in front of this server.
 */
export async function registerSecurityHeaders(app: FastifyInstance): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'self'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        connectSrc: ["'self'", (request) => ownSockets(request)],
        objectSrc: ["'none'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    referrerPolicy: { policy: 'no-referrer' },
    frameguard: { action: 'deny' },
    strictTransportSecurity: false,
  });
}

/** Older WebKits do not count the sockets of the same host as `'self'`. */
function ownSockets({ headers: { host } }: IncomingMessage): string {
  return host !== undefined && /^[A-Za-z0-9.:[\]-]{1,255}$/.test(host)
    ? `ws://${host} wss://${host}`
    : "'self'";
}

/**
 * The built web client at `/`. Its page is asked for anew each time, its hashed files never again.
 * @param root the folder of the build; where it is missing, `/` says how to make it
 * @param files says whether there is a descriptor left for a file: a peer that reads slowly keeps it open
 */
export async function registerWeb(
  app: FastifyInstance,
  root: string,
  files: Pick<TcpSockets, 'takeFile' | 'releaseFile'>,
): Promise<void> {
  const schema = { hide: true };
  if (!existsSync(join(root, 'index.html'))) {
    app.get('/', { schema }, (_request, reply) =>
      reply
        .code(503)
        .type('text/plain; charset=utf-8')
        .send('The web client has not been built. Run: npm run build:web\n'),
    );
    return;
  }
  const build: FastifyPluginAsync = async (scope) => {
    const taken = new WeakSet<FastifyRequest>();
    scope.addHook('onRequest', async (request) => {
      if (!files.takeFile()) throw new HttpProblem(503, { retryAfterMs: FILE_RETRY_MS });
      taken.add(request);
    });
    scope.addHook('onResponse', async (request) => {
      if (taken.delete(request)) files.releaseFile();
    });
    await scope.register(fastifyStatic, {
      root,
      dotfiles: 'ignore',
      cacheControl: false,
      setHeaders: (reply, path) => {
        void reply.header('cache-control', path.includes(HASHED) ? IMMUTABLE : 'no-cache');
      },
    });
  };
  await app.register(build);
}
