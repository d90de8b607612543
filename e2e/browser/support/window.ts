import type { Held } from '../../../test-helpers/websocket.ts';

declare global {
  interface Window {
    holdfast?: { snapshot(): Held };
  }
}
