import type { Permission } from '../../protocol/chat/handshake.ts';

/** Whom a credential speaks for, and what it allows. */
export interface Principal {
  /** Whose sessions these are; the same for every key of one person or service. */
  readonly subject: string;
  readonly permissions: readonly Permission[];
  /** The only workspaces it may use; `undefined`: all. */
  readonly workspaces: undefined | readonly string[];
  /** The name of a retention policy; `undefined`: as for everybody. */
  readonly retention: undefined | string;
  /** Which credential it was: the key's digest in hex, or `jwt`. Not for logs. */
  readonly keyId: string;
  /** When the credential ends, ms since the epoch. */
  readonly expiresAt: undefined | number;
}

/** What became of an attempt to authenticate. */
export type Authentication =
  | { readonly kind: 'ok'; readonly principal: Principal }
  /** Unknown, malformed or revoked. */
  | { readonly kind: 'invalid' }
  /** It was good once. */
  | { readonly kind: 'expired' };

export const INVALID: Authentication = { kind: 'invalid' };
export const EXPIRED: Authentication = { kind: 'expired' };

/** Whether the principal has the permission. */
export function may(principal: Principal, permission: Permission): boolean {
  return principal.permissions.includes(permission);
}

/** Whether the principal may use the workspace. */
export function mayUse(principal: Principal, workspace: string): boolean {
  return principal.workspaces === undefined || principal.workspaces.includes(workspace);
}
