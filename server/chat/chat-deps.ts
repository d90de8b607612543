import type { KeyCheck } from '../auth/key-check.ts';
import type { KeyRing } from '../auth/key-ring.ts';
import type { SessionTokens } from '../auth/session-tokens.ts';
import type { Clock } from '../clock.ts';
import type { Settings } from '../config.ts';
import type { Pages } from '../flow/pages.ts';
import type { UnsentBudget } from '../flow/unsent-budget.ts';
import type { WorkGovernor } from '../load/work-governor.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import type { Random } from '../random.ts';
import type { ChatRules } from '../run/decide-chat.ts';
import type { SessionHub } from '../session/hub.ts';
import type { Store } from '../store/store.ts';
import type { Admission } from './admission.ts';

/** What every chat connection of a node shares. */
export interface ChatDeps {
  readonly settings: Settings;
  readonly rules: ChatRules;
  readonly nodeId: string;
  readonly store: Store;
  readonly hub: SessionHub;
  readonly keys: KeyRing;
  readonly keyCheck: KeyCheck;
  readonly tokens: SessionTokens;
  readonly admission: Admission;
  /** What peers have not taken, of all planes together. */
  readonly unsent: UnsentBudget;
  readonly pages: Pages;
  /** All work of connections is charged there, and waits there for its subject's turn. */
  readonly load: WorkGovernor;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly log: Log;
}
