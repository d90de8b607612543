import type { Page } from '@playwright/test';

/** What goes wrong on a page without showing: faults, violations of its policy, requests to strangers. */
export class Watch {
  readonly faults: string[] = [];
  readonly #page: Page;

  private constructor(page: Page) {
    this.#page = page;
    page.on('console', (message) => {
      if (message.type() === 'error' && !isLine(message.text()))
        this.faults.push(`console: ${message.text()}`);
    });
    // Firefox tells of a line that is cut as if it were a fault.
    page.on('pageerror', ({ message }) => {
      if (!isLine(message)) this.faults.push(`fault: ${message}`);
    });
    page.on('dialog', (dialog) => {
      this.faults.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on('request', (request) => {
      if (!this.#isOwn(request.url())) this.faults.push(`request to a stranger: ${request.url()}`);
    });
  }

  /** Watches a page from before its first document on. */
  static async begin(page: Page): Promise<Watch> {
    await page.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', (event) => {
        console.error(
          `policy: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`,
        );
      });
    });
    return new Watch(page);
  }

  #isOwn(url: string): boolean {
    const { protocol, host } = new URL(url);
    if (protocol === 'data:' || protocol === 'about:' || protocol === 'blob:') return true;
    return this.#page.url() === 'about:blank' || host === new URL(this.#page.url()).host;
  }
}

/** What browsers write about a line that is cut: these tests cut it on purpose. */
function isLine(text: string): boolean {
  return /WebSocket connection to|Failed to load resource|net::ERR_|establish a connection|was interrupted while|NetworkError|due to access control checks|Cross-Origin Request Blocked|connection to ws:|download failed \(font/.test(
    text,
  );
}
