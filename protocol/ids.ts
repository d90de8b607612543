import { z } from 'zod';

/** A client's own label in the socket path: `/client_{client_id}`. It identifies nothing. */
export const CLIENT_ID_PATTERN = /^[A-Za-z0-9_-]{1,64}$/;

/** The id that a client gives to each state-changing message; a UUIDv7 by habit. */
export const MESSAGE_ID_PATTERN = /^[A-Za-z0-9_-]{8,64}$/;

export const messageId = z.string().regex(MESSAGE_ID_PATTERN, 'must be 8 to 64 of A-Z a-z 0-9 _ -');

/** Ids that the server makes (sessions, runs, requests, tool calls, answers). */
export const serverId = z.string().min(1).max(128);

/** `domain`, `workspace` and similar short labels. */
export const label = z.string().regex(/^[A-Za-z0-9_.:-]{1,128}$/, 'must be 1 to 128 of A-Z a-z 0-9 _ . : -');

/** An ISO 8601 UTC time, informative only: order is `seq`. */
export const timestamp = z.iso.datetime();
