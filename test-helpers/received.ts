import type { DownData, DownType } from '../protocol/chat/down.ts';

/** A frame as it came, parsed. */
export interface Received<T extends DownType = DownType> {
  readonly type: T;
  readonly data: DownData<T>;
  readonly reply_to?: string;
  readonly seq?: number;
  readonly tag?: string;
  readonly ts?: string;
  /** The text as it came. */
  readonly raw: string;
}
