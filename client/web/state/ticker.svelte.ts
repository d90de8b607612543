/** The time for what counts down on the page: moves once a second. */
export class Ticker {
  now = $state(Date.now());

  constructor(signal: AbortSignal) {
    const timer = setInterval(() => this.touch(), 1_000);
    const seen = () => this.touch();
    document.addEventListener('visibilitychange', seen, { signal });
    signal.addEventListener('abort', () => clearInterval(timer));
  }

  touch(): void {
    this.now = Date.now();
  }
}
