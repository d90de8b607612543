import { mount } from 'svelte';
import { HoldfastClient } from '../sdk/index.ts';
import { Http } from './http/call.ts';
import { threadsApi } from './http/threads-api.ts';
import AppView from './App.svelte';
import { App } from './state/app.svelte.ts';
import { pageFrames } from './state/frames.ts';
import { Keep } from './state/keep.ts';
import { claimTab } from './state/own-tab.ts';
import { exposeState } from './state/page-hook.ts';
import '@fontsource-variable/source-code-pro/wght.css';
import '@fontsource-variable/source-sans-3/wght.css';
import '@fontsource-variable/source-sans-3/wght-italic.css';
import './styles/base.css';

const newId = () => crypto.getRandomValues(new Uint32Array(2)).reduce((text, n) => text + n.toString(36), '');

/** The page talks to nobody but the server that it came from. */
const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}`;
const client = { name: 'holdfast-web', version: '0.1.0' };

const keep = new Keep(sessionStorage, newId);
await claimTab(keep);

const app = new App({
  createClient: (options) => new HoldfastClient({ ...options, url, client }),
  threadsApi: (apiKey) => threadsApi(new Http(apiKey)),
  keep,
  frames: pageFrames,
  address: {
    hash: () => location.hash,
    replace: (hash) => history.replaceState(null, '', hash),
    push: (hash) => history.pushState(null, '', hash),
  },
});
window.addEventListener('popstate', () => app.addressChanged());
exposeState(app);
app.start();

const target = document.getElementById('app');
if (target === null) throw new Error('The page has no #app');
mount(AppView, { target, props: { app } });
