import type { OpenRequest, OpenResult, SessionInfo } from '../store.ts';
import type { Reply } from './calls.ts';
import { decodeChunks } from './append-codec.ts';
import { decodeEvents, decodePage } from './log-codec.ts';
import { decodeInfo, encodeBuffer, encodePolicy, encodeScope } from './session-record.ts';

const NO_CELLS: Readonly<Record<string, string>> = {};

/** The arguments of the function `open`: see scripts/open.lua. */
export function openArgs(request: OpenRequest): string[] {
  const { scope, position, partial, attach } = request;
  return [
    scope === undefined ? '' : encodeScope(scope),
    `${request.now}`,
    request.ignoreExpiry ? '1' : '',
    position?.epoch ?? '',
    `${position?.seq ?? ''}`,
    position?.tag ?? '',
    `${request.maxReplay}`,
    `${request.historyPage}`,
    partial === undefined ? '' : encodeBuffer(partial.messageId, partial.attempt),
    `${partial?.nextIndex ?? ''}`,
    `${request.maxBytes}`,
    attach?.connectionId ?? '',
    attach?.nodeId ?? '',
    attach === undefined ? '' : encodePolicy(attach.policy),
  ];
}

export function decodeOpen(request: OpenRequest, reply: Reply): OpenResult {
  const [kind, record, ...rest] = reply as [string, Reply, ...Reply[]];
  if (kind === 'missing') return { kind };
  const info = decodeInfo(request.sessionId, record) as SessionInfo;
  if (kind === 'expired') return { kind, info };
  if (kind === 'fault') return { kind, info, detail: rest[0] as string };
  const [names, cells, position, replay, page, chunks] = rest as [
    string[],
    (null | string)[],
    'valid' | 'reset' | 'none',
    Reply,
    Reply,
    Reply,
  ];
  return {
    kind: 'open',
    info,
    cells:
      names.length === 0
        ? NO_CELLS
        : Object.fromEntries(names.map((name, i) => [name.slice(2), cells[i] ?? ''])),
    position,
    content:
      replay === null
        ? { mode: 'snapshot', page: decodePage(page) }
        : { mode: 'replay', afterSeq: request.position?.seq ?? 0, events: decodeEvents(replay) },
    chunks: decodeChunks(chunks),
  };
}
