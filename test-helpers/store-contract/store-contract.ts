import { describe } from 'vitest';
import { appendRules } from './append.ts';
import { chunkRules } from './chunks.ts';
import { createAndListRules } from './create-and-list.ts';
import { durabilityRules } from './durability.ts';
import { exactnessRules } from './exactness.ts';
import { expireAndEraseRules } from './expire-and-erase.ts';
import { openSuite, type StoreHarness } from './harness.ts';
import { historyRules } from './history.ts';
import { idRules } from './ids.ts';
import { leaseAndAlarmRules } from './leases-and-alarms.ts';
import { modelRules } from './model.ts';
import { nodeRules } from './nodes.ts';
import { openRules } from './open.ts';
import { presenceRules } from './presence.ts';
import { rewriteRules } from './rewrite.ts';

export type { StoreHarness } from './harness.ts';

/** Registers every rule of SPEC.md, section STO, for one driver. Its `*.contract.test.ts` is this call. */
export function registerStoreContract(name: string, harness: StoreHarness): void {
  describe(name, () => {
    const suite = openSuite(harness);
    createAndListRules(suite);
    openRules(suite);
    appendRules(suite);
    idRules(suite);
    chunkRules(suite);
    leaseAndAlarmRules(suite);
    presenceRules(suite);
    historyRules(suite);
    expireAndEraseRules(suite);
    rewriteRules(suite);
    exactnessRules(suite);
    durabilityRules(suite);
    nodeRules(suite);
    modelRules(suite);
  });
}
