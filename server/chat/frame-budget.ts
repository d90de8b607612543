/** How many frames a connection may send: a token bucket. `Infinity` turns it off. */
export interface FrameRate {
  readonly perSecond: number;
  readonly burst: number;
}

/** What is left of the burst, and when that was. */
export interface FrameBudget {
  readonly tokens: number;
  readonly at: number;
}

export function fullBudget(rate: FrameRate, now: number): FrameBudget {
  return { tokens: rate.burst, at: now };
}

/**
 * The budget of a peer that was not read from until `now`: what it sent meanwhile, at its rate, comes all at once, and
 * is no burst.
 */
export function thaw(budget: FrameBudget, rate: FrameRate, now: number): FrameBudget {
  if (rate.perSecond === Number.POSITIVE_INFINITY) return budget;
  return { tokens: budget.tokens + (Math.max(0, now - budget.at) * rate.perSecond) / 1000, at: now };
}

/** Takes one frame out of the budget. `retryAfterMs` > 0: there was none left, and one is there after so long. */
export function spend(
  budget: FrameBudget,
  rate: FrameRate,
  now: number,
): { readonly budget: FrameBudget; readonly retryAfterMs: number } {
  if (rate.perSecond === Number.POSITIVE_INFINITY || rate.burst === Number.POSITIVE_INFINITY)
    return { budget, retryAfterMs: 0 };
  const earned = (Math.max(0, now - budget.at) * rate.perSecond) / 1000;
  // Beyond the burst there is only what `thaw` gave.
  const tokens = Math.max(budget.tokens, Math.min(rate.burst, budget.tokens + earned));
  if (tokens >= 1) return { budget: { tokens: tokens - 1, at: now }, retryAfterMs: 0 };
  return { budget: { tokens, at: now }, retryAfterMs: Math.ceil(((1 - tokens) * 1000) / rate.perSecond) };
}
