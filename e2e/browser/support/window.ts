import type { Held } from '../../../test-helpers/held.ts';

declare global {
  interface Window {
    holdfast?: { snapshot(): Held };
  }
}
