import { flushSync, mount } from 'svelte';
import AppView from '../App.svelte';
import { EMPTY_CONVERSATION } from '../../sdk/index.ts';
import { fakeApp, memoryPage } from '../testing/fake-app.ts';
import { STATES } from '../testing/fake-client.ts';
import { thread } from '../testing/fixtures.ts';
import '../styles/base.css';
import { type Scene, SCENES } from './scenes.ts';

/** `gallery.html?scene=NAME` shows one state of the page from fixtures; without a name, the list of them. */
const target = document.getElementById('app');
if (target === null) throw new Error('The page has no #app');
const name = new URLSearchParams(location.search).get('scene');
const scene = SCENES.find((s) => s.name === name);

if (scene === undefined) list(target);
else show(scene, target);

function list(host: HTMLElement): void {
  host.style.overflow = 'auto';
  for (const { name } of SCENES) {
    const link = document.createElement('a');
    link.href = `?scene=${name}`;
    link.textContent = name;
    const line = document.createElement('p');
    line.append(link);
    host.append(line);
  }
}

function show(scene: Scene, host: HTMLElement): void {
  const storage = memoryPage();
  if (scene.signedOut !== true) storage.setItem('holdfast.key', 'gallery');
  const { app } = fakeApp({
    ...scene.threads,
    storage,
    hash: scene.archived === true ? '#/t/s-4' : '',
    detail: (id) => ({
      ...thread(id, { archived: true, title: 'Travel to Ghent' }),
      history: {
        total: scene.conversation?.messages?.length ?? 0,
        has_more: false,
        messages: (scene.conversation?.messages ?? []).map((m) => ({
          id: m.id,
          seq: m.seq,
          role: m.role,
          parts: [...m.parts],
          status: m.status,
          ts: m.ts,
          ...(m.runId === null ? {} : { run_id: m.runId }),
        })),
      },
    }),
    onConnect(client) {
      const conversation = { ...EMPTY_CONVERSATION, ...scene.conversation };
      if (scene.conversation !== undefined)
        client.show({ ...conversation, session: conversation.session ?? null });
      client.entries = conversation.outgoing
        .filter((m) => m.delivery === 'queued')
        .map((m) => ({ ...m, onBusy: 'enqueue', metadata: undefined, state: 'queued' }));
      if (scene.leadUp !== undefined) scene.leadUp(client);
      else client.become(scene.state ?? STATES.connected, Date.now());
    },
  });
  app.start();
  mount(AppView, { target: host, props: { app, contextOpen: scene.context === true } });
  flushSync();
}
