import { absence } from '../session/restore.ts';
import type { Admitted } from './authenticate.ts';
import type { ChatDeps } from './chat-deps.ts';
import { frameOf } from './handlers.ts';

/** On `/debug/…`: how the server came to what it answered. */
export function debugFrame(admitted: Admitted, began: number, deps: ChatDeps): string {
  const { outcome, opened, former } = admitted.attachment.attached;
  const now = deps.clock.now();
  const away = absence(former ?? opened.info, admitted.formerConnectionId, now);
  const { briefMs, mediumMs } = (former ?? opened.info).policy;
  return frameOf(
    'debug',
    JSON.stringify({
      kind: 'restore',
      outcome,
      tier_decision: {
        tier: away.tier,
        disconnected_ms: away.disconnectedMs,
        away_ms: away.awayMs,
        brief_ms: briefMs,
        medium_ms: mediumMs,
        hold_until_ms: opened.info.holdUntil,
      },
      mode: opened.content.mode,
      position: opened.position,
      restore_ms: now - began,
      store: deps.store.driver,
      node_id: deps.nodeId,
    }),
    undefined,
  );
}
