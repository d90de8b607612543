// Who may import whom (docs/design, "Folders and direction"). Type imports count too.

const test = '\\.test\\.ts$';
const shipped = '^(protocol|server|client|agent)/';
const upper = '^server/(chat|channel|fleet|http|agents|app\\.ts|main\\.ts)';

/** A rule: files under `from` (but not `except`) must not import `to` (but may import `allowed`). */
const forbid = (name, comment, { from, except, to = '', allowed, ...more }) => ({
  name,
  comment,
  severity: 'error',
  from: { ...(from && { path: from }), ...(except && { pathNot: except }) },
  to: { ...(to && { path: to }), ...(allowed && { pathNot: allowed }), ...more },
});

/** The rule's object is our own code: packages and Node's modules are not meant. */
const ours = '^(protocol|server|client|agent|e2e|test-helpers|bench|scripts)/';
const node = { dependencyTypes: ['core'] };

export default {
  forbidden: [
    forbid('no-cycles', 'A cycle has no direction.', { from: '', circular: true }),
    forbid('resolvable', 'The file or package is not there.', { from: '', couldNotResolve: true }),

    forbid('protocol-is-a-leaf', 'The contract imports nothing of ours.', {
      from: '^protocol/',
      except: test,
      to: ours,
      allowed: '^protocol/',
    }),
    forbid('protocol-runs-anywhere', 'The contract is browser-safe.', {
      from: '^protocol/',
      except: test,
      ...node,
    }),

    forbid('sdk-knows-protocol-only', 'The client is framework-free and knows no server.', {
      from: '^client/sdk/',
      except: test,
      to: ours,
      allowed: '^(client/sdk|protocol)/',
    }),
    forbid('sdk-runs-in-browsers', "Node's modules only in *.node.ts.", {
      from: '^client/sdk/',
      except: `${test}|\\.node\\.ts$`,
      ...node,
    }),
    forbid('web-knows-sdk-and-protocol', 'The web client has no other way to the server.', {
      from: '^client/web/',
      except: `${test}|\\.config\\.ts$`,
      to: ours,
      allowed: '^(client/web|client/sdk|protocol)/',
    }),
    forbid('agent-knows-sdk-and-protocol', 'A remote agent shares the connection core, not the server.', {
      from: '^agent/',
      except: test,
      to: ours,
      allowed: '^(agent|client/sdk|protocol)/',
    }),
    forbid('server-knows-no-client', 'The wire is all that they share.', {
      from: '^server/',
      except: test,
      to: '^(client|agent)/',
    }),

    forbid('leaves', 'Time, chance and settings know nothing above the protocol.', {
      from: '^server/(clock\\.ts|random\\.ts|config(\\.ts|/))',
      to: '^server/',
      allowed: '^server/(clock\\.ts|random\\.ts|config(\\.ts|/))',
    }),
    forbid('store-is-below', 'store -> protocol, clock.', {
      from: '^server/store/',
      except: test,
      to: '^server/',
      allowed: '^server/(store/|clock\\.ts|random\\.ts|config(\\.ts|/))',
    }),
    forbid('session-is-below-run', 'run -> session, never back.', {
      from: '^server/session/',
      to: `${upper}|^server/run/`,
    }),
    forbid('run-is-below-the-planes', 'chat, channel, fleet, http -> run, never back.', {
      from: '^server/(run|auth)/',
      to: upper,
    }),
    forbid('auth-is-below', 'Who somebody is does not depend on sessions or runs.', {
      from: '^server/auth/',
      except: test,
      to: '^server/(session|run)/',
    }),
    forbid('flow-is-below', 'How much may be unread does not depend on what it is.', {
      from: '^server/flow/',
      except: test,
      to: '^server/',
      allowed: '^server/flow/',
    }),
    forbid('load-is-below', 'Who shares the work does not depend on what the work is.', {
      from: '^server/load/',
      except: test,
      to: '^server/',
      allowed: '^server/(load/|clock\\.ts|metrics\\.ts)',
    }),
    forbid('planes-are-not-the-root', 'Only main.ts, tests and tools import app.ts.', {
      from: '^server/(?!main\\.ts$)',
      except: test,
      to: '^server/(app|main)\\.ts$',
    }),

    forbid('drivers-are-named-once', 'Only app.ts and store/open.ts name a driver.', {
      from: '^server/',
      except: `^server/(app\\.ts$|store/open\\.ts$|store/sqlite/|store/redis/)|${test}`,
      to: '^server/store/(sqlite|redis)/',
    }),
    forbid('sqlite-knows-no-redis', 'Drivers share the port only.', {
      from: '^server/store/sqlite/',
      to: '^server/store/(redis/|open\\.ts$)',
    }),
    forbid('redis-knows-no-sqlite', 'Drivers share the port only.', {
      from: '^server/store/redis/',
      to: '^server/store/(sqlite/|open\\.ts$)',
    }),

    forbid('agents-see-their-port', 'An agent knows the port and the contract, nothing of the server.', {
      from: '^server/agents/',
      except: test,
      to: ours,
      allowed: '^(server/agents/|server/run/agent-port\\.ts$|protocol/)',
    }),
    forbid('agents-are-named-once', 'Only app.ts picks an agent.', {
      from: '^server/',
      except: `^server/(app\\.ts$|agents/)|${test}`,
      to: '^server/agents/',
    }),

    forbid('shipped-code-needs-no-tests', 'What ships imports no helper of tests or tools.', {
      from: shipped,
      except: `${test}|\\.config\\.ts$`,
      to: '^(test-helpers|e2e|bench|scripts)/',
    }),
    forbid('production-packages', 'What runs in production is a dependency, not a devDependency.', {
      from: '^(protocol|server|client/sdk|agent)/',
      except: test,
      dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
    }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^client/web/dist/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types', 'svelte'],
    },
  },
};
