#!/usr/bin/env node
// Starts a stock Firefox ESR for Playwright (channel `moz-firefox`, WebDriver BiDi) and stands between the two:
// Playwright insists on a command that the ESR does not know yet, so that one is answered here. Media emulation
// therefore does nothing in Firefox. Plain JavaScript, because it is executed as a program on whatever Node is first.
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { WebSocket, WebSocketServer } from 'ws';

const answeredHere = new Set(['emulation.setMediaFeaturesOverride']);
const announcement = /WebDriver BiDi listening on (ws:\/\/\S+)/;
const socketOptions = { perMessageDeflate: false, maxPayload: 1 << 30 };

const firefox = spawn(process.env.FIREFOX_BIN ?? 'firefox-esr', process.argv.slice(2), {
  stdio: ['ignore', 'inherit', 'pipe'],
});
firefox.on('error', (error) => {
  console.error(error.message);
  process.exit(1);
});
firefox.on('exit', (code) => process.exit(code ?? 1));
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => firefox.kill(signal));

createInterface({ input: firefox.stderr }).on('line', (line) => {
  const url = announcement.exec(line)?.[1];
  if (url) announceProxy(url);
  else console.error(line);
});

function announceProxy(target) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...socketOptions });
  server.on('listening', () =>
    console.error(`WebDriver BiDi listening on ws://127.0.0.1:${server.address().port}`),
  );
  server.on('connection', (client, request) =>
    relay(client, new WebSocket(target + request.url, socketOptions)),
  );
}

function relay(client, upstream) {
  const early = [];
  client.on('message', (data) => {
    const text = data.toString();
    const { id, method } = JSON.parse(text);
    if (answeredHere.has(method)) client.send(JSON.stringify({ type: 'success', id, result: {} }));
    else if (upstream.readyState === WebSocket.OPEN) upstream.send(text);
    else early.push(text);
  });
  upstream.on('open', () => {
    for (const text of early.splice(0)) upstream.send(text);
  });
  upstream.on('message', (data) => client.send(data.toString()));
  upstream.on('close', () => client.close());
  upstream.on('error', () => client.close());
  client.on('close', () => upstream.close());
}
