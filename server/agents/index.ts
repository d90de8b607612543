import type { Agent } from '../run/agent-port.ts';
import { createDemoAgent } from './demo/demo-agent.ts';

/** The agent that `AGENT` names; `undefined` for `none`: people only. */
export function createAgent(name: 'demo' | 'none'): undefined | Agent {
  switch (name) {
    case 'demo':
      return createDemoAgent();
    case 'none':
      return undefined;
  }
}
