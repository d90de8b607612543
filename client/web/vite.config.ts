import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

/** Where the development server finds Holdfast. */
const server = process.env.HOLDFAST_URL ?? 'http://127.0.0.1:8000';
const http = { target: server };
const socket = { target: server, ws: true };

export default defineConfig({
  root: import.meta.dirname,
  plugins: [svelte({ configFile: false })],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2023',
    // Nothing inline: the page is served under `default-src 'self'`.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    host: '127.0.0.1',
    port: 5173,
    // The page talks to its own origin only; sockets and HTTP go through here.
    proxy: {
      '/api': http,
      '/healthz': http,
      '/readyz': http,
      '^/client_': socket,
      '^/debug/client_': socket,
    },
  },
});
