// What the load generator is asked, and what it answers. Times are ms.

/** A load that runs until it is told to end: `begin` answers when it has warmed up, `measure` looks at it for a while. */
export type Steady<T extends string, Begin> =
  | ({ readonly ask: T; readonly step: 'begin'; readonly warmUpMs: number } & Begin)
  | { readonly ask: T; readonly step: 'measure'; readonly measureMs: number }
  | { readonly ask: T; readonly step: 'end' };

export interface AppendLoad {
  readonly connections: number;
}

export interface AppendResult {
  readonly acknowledged: number;
  readonly tookMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface StreamLoad {
  readonly sessions: number;
  readonly readers: number;
  readonly everyMs: number;
  /** Enough for as long as it is looked at. */
  readonly chunks: number;
}

export interface StreamResult {
  readonly delivered: number;
  readonly tookMs: number;
}

export interface StormJob {
  readonly ask: 'storm';
  readonly sessions: number;
  /** Messages that each of the dropped connections misses. */
  readonly missed: number;
  readonly cycles: number;
  /** After this no further cycle is begun. */
  readonly maxMs: number;
}

export interface StormCycle {
  readonly tookMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly lost: number;
  readonly doubled: number;
}

/** Opens so many idle connections, or, with 0, lets go of them. */
export interface IdleJob {
  readonly ask: 'idle';
  readonly connections: number;
}

export interface DepthJob {
  readonly ask: 'depth';
  /** How many events are stored when a restore is measured, ascending. */
  readonly depths: readonly number[];
  readonly missed: number;
  readonly restores: number;
  /** After this no more are begun. */
  readonly maxMs: number;
}

/** The median time of a restore at each depth. */
export type DepthResult = readonly number[];

export type AppendJob = Steady<'append', AppendLoad>;
export type StreamJob = Steady<'stream', StreamLoad>;
export type Job = AppendJob | StreamJob | StormJob | IdleJob | DepthJob;
