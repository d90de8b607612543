import type { Transport, TransportHandlers, TransportSocket } from './ports.ts';

/** The standard `WebSocket` of browsers and of Node. */
export const webSocketTransport: Transport = {
  open(url: string, handlers: TransportHandlers): TransportSocket {
    let socket: WebSocket;
    try {
      socket = new WebSocket(url);
    } catch (cause) {
      // A URL that is none, or a page that may not open it: told like every other failure, and not within the call.
      queueMicrotask(() => handlers.onClose(1006, String(cause)));
      return { send: () => {}, close: () => {} };
    }
    let closed = false;
    socket.addEventListener('open', () => handlers.onOpen());
    socket.addEventListener('message', ({ data }) => {
      // The protocol has no binary frames; one is told as a text that is no frame.
      handlers.onText(typeof data === 'string' ? data : '');
    });
    socket.addEventListener('close', ({ code, reason }) => {
      if (closed) return;
      closed = true;
      handlers.onClose(code, reason);
    });
    // `close` follows every `error`, and says no less.
    socket.addEventListener('error', () => {});
    return {
      send(text) {
        if (socket.readyState === WebSocket.OPEN) socket.send(text);
      },
      close(code, reason) {
        socket.close(code, reason);
      },
    };
  },
};
