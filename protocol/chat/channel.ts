import { z } from 'zod';
import { positionSchema } from '../position.ts';
import { contentSchema } from './message.ts';

/** A channel's name, scoped to its workspace. */
export const channelName = z.string().regex(/^[a-z0-9._:-]{1,128}$/, 'must be 1 to 128 of a-z 0-9 . _ : -');

export const channelJoinData = z.object({ channel: channelName, position: positionSchema.optional() });
export const channelLeaveData = z.object({ channel: channelName });
export const channelMessageData = z.object({ channel: channelName, content: contentSchema });
