import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** An answer as it came: header names in lower case, the body a character a byte. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

const TIMEOUT_MS = 20_000;

/** One HTTP connection, whose bytes are the test's own. Answers are read as RFC 9112 says. */
export class HttpLine {
  readonly #tcp: Socket;
  #text = '';
  #isEnded = false;
  #wake: () => void = () => {};

  private constructor(tcp: Socket) {
    this.#tcp = tcp;
    tcp.on('error', () => {});
    tcp.on('data', (data: Buffer) => {
      this.#text += data.toString('latin1');
      this.#wake();
    });
    tcp.on('close', () => {
      this.#isEnded = true;
      this.#wake();
    });
  }

  static async open(url: string): Promise<HttpLine> {
    const { hostname, port } = new URL(url);
    const tcp = connect({ host: hostname, port: Number(port), noDelay: true });
    await once(tcp, 'connect');
    return new HttpLine(tcp);
  }

  write(data: Uint8Array): void {
    this.#tcp.write(data);
  }

  /** Says that nothing more comes. */
  finish(): void {
    this.#tcp.end();
  }

  /** The next answer, or `undefined` when the connection ended before one was complete. */
  async answer(method: string): Promise<undefined | HttpAnswer> {
    for (;;) {
      const read = readAnswer(this.#text, method, this.#isEnded);
      if (read !== undefined) {
        this.#text = this.#text.slice(read.length);
        if (read.answer.status >= 200) return read.answer;
        continue;
      }
      if (this.#isEnded) return undefined;
      await this.#more('an answer');
    }
  }

  /** Resolves with what was not read once the server has ended the connection. */
  async ended(): Promise<string> {
    while (!this.#isEnded) await this.#more('the end');
    return this.#text;
  }

  destroy(): void {
    this.#tcp.destroy();
  }

  async #more(what: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`no ${what} within ${TIMEOUT_MS} ms; came: ${this.#text.slice(0, 300)}`)),
        TIMEOUT_MS,
      );
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** The first answer of the text, and how long it is; `undefined` while it is not complete. */
function readAnswer(
  text: string,
  method: string,
  isEnded: boolean,
): undefined | { readonly answer: HttpAnswer; readonly length: number } {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(statusLine)?.[1]);
  if (Number.isNaN(status)) throw new Error(`no status line: ${JSON.stringify(statusLine.slice(0, 200))}`);
  const headers = new Map(
    lines.map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    }),
  );
  const from = end + 4;
  const done = (body: string, length: number) => ({ answer: { status, headers, body }, length });
  if (status < 200 || status === 204 || status === 304 || method === 'HEAD') return done('', from);
  if (headers.get('transfer-encoding') === 'chunked') {
    const chunked = readChunks(text, from);
    return chunked && done(chunked.body, chunked.end);
  }
  const length = headers.get('content-length');
  if (length === undefined) return isEnded ? done(text.slice(from), text.length) : undefined;
  const to = from + Number(length);
  return text.length < to ? undefined : done(text.slice(from, to), to);
}

function readChunks(text: string, from: number): undefined | { readonly body: string; readonly end: number } {
  let body = '';
  for (let at = from; ; ) {
    const line = text.indexOf('\r\n', at);
    if (line < 0) return undefined;
    const size = Number.parseInt(text.slice(at, line), 16);
    const next = line + 2 + size + 2;
    if (text.length < next) return undefined;
    if (size === 0) return { body, end: next };
    body += text.slice(line + 2, line + 2 + size);
    at = next;
  }
}
