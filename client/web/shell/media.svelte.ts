import { createSubscriber } from 'svelte/reactivity';

/** Whether a media query holds, as state. */
export class Media {
  readonly #query: MediaQueryList | undefined;
  readonly #subscribe: () => void;

  constructor(query: string) {
    this.#query = typeof window.matchMedia === 'function' ? window.matchMedia(query) : undefined;
    this.#subscribe = createSubscriber((update) => {
      this.#query?.addEventListener('change', update);
      return () => this.#query?.removeEventListener('change', update);
    });
  }

  get matches(): boolean {
    this.#subscribe();
    return this.#query?.matches ?? false;
  }
}
