/** What the browser says of its network. Only a hint: the line itself is the judge. */
export class Network {
  online = $state(navigator.onLine);

  constructor(signal: AbortSignal) {
    const look = () => {
      this.online = navigator.onLine;
    };
    window.addEventListener('online', look, { signal });
    window.addEventListener('offline', look, { signal });
  }
}
