import type { Page } from '@playwright/test';

interface Sockets {
  pageSockets: WebSocket[];
}

/** Remembers the sockets that the page opens from now on, for `sendRaw`. Before the page is opened. */
export async function watchSockets(page: Page): Promise<void> {
  await page.addInitScript(() => {
    const sockets: WebSocket[] = [];
    Object.assign(window, { pageSockets: sockets });
    window.WebSocket = class extends WebSocket {
      constructor(url: string | URL) {
        super(url);
        sockets.push(this);
      }
    };
  });
}

/** Sends a frame over the page's own line, as its client would; answers the reply to its `id`. */
export function sendRaw(page: Page, frame: { type: string; data: object; id: string }): Promise<unknown> {
  return page.evaluate((sent) => {
    const socket = (window as unknown as Sockets).pageSockets.at(-1);
    if (socket === undefined) throw new Error('the page has no socket');
    return new Promise((resolve) => {
      const listen = ({ data }: MessageEvent<string>) => {
        const reply = JSON.parse(data) as { reply_to?: string };
        if (reply.reply_to !== sent.id) return;
        socket.removeEventListener('message', listen);
        resolve(reply);
      };
      socket.addEventListener('message', listen);
      socket.send(JSON.stringify(sent));
    });
  }, frame);
}
