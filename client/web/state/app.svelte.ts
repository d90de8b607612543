import { untrack } from 'svelte';
import type { ClientApi, ClientOptions, HoldfastError } from '../../sdk/index.ts';
import type { ThreadsApi } from '../http/threads-api.ts';
import { Archive } from './archive.svelte.ts';
import type { Frames } from './frames.ts';
import type { Keep } from './keep.ts';
import { isErased } from '../status/words.ts';
import { refusalOf } from './refusal.ts';
import { hashOf, parseRoute, type Route } from './route.ts';
import { type ChangeCause, Talk } from './talk.svelte.ts';
import { Threads } from './threads.svelte.ts';

/** What the app needs from the page around it. */
export interface AppPorts {
  createClient(options: Pick<ClientOptions, 'clientId' | 'apiKey' | 'sessionId' | 'storage'>): ClientApi;
  threadsApi(apiKey: string): ThreadsApi;
  readonly keep: Keep;
  readonly frames: Frames;
  /** The address: read at the start, replaced when a new thread gets its id, pushed when a person goes elsewhere. */
  readonly address: {
    hash(): string;
    replace(hash: string): void;
    push(hash: string): void;
  };
}

/** A thread list that is asked for after every message would be asked for too often. */
const REFRESH_AFTER_MS = 400;
/** How many threads that were left with unsent messages are kept alive. */
const MAX_LEFT = 8;

/** Who is signed in, which thread is open, and what else is alive: the root of the page's state. */
export class App {
  apiKey = $state.raw<string | null>(null);
  /** The server has let us in once with this key; until then the page asks for one. */
  entered = $state(false);
  /** Why the last sign-in failed. */
  refused = $state.raw<HoldfastError | null>(null);
  /** Who the key belongs to, once the server has said so. */
  subject = $state.raw<string | null>(null);
  route = $state.raw<Route>({ name: 'new' });
  talk = $state.raw<Talk | null>(null);
  archive = $state.raw<Archive | null>(null);
  threads = $state.raw<Threads | null>(null);

  readonly #ports: AppPorts;
  readonly #listeners = new Set<(cause: ChangeCause) => void>();
  /** Left with unsent messages, by client id. They close when all is sent. */
  readonly #left = new Map<string, Talk>();
  #refresh: ReturnType<typeof setTimeout> | undefined;
  #opening = 0;

  constructor(ports: AppPorts) {
    this.#ports = ports;
  }

  /** Goes on where a reload left off. */
  start(): void {
    this.route = parseRoute(this.#ports.address.hash());
    const key = this.#ports.keep.apiKey;
    if (key === null) return;
    this.entered = true;
    this.#enter(key);
  }

  signIn(apiKey: string): void {
    this.entered = false;
    this.refused = null;
    this.#enter(apiKey);
  }

  /** Another key for the thread that is open. */
  renew(apiKey: string): void {
    this.apiKey = apiKey;
    this.#useApi(apiKey);
    this.talk?.client.authenticate(apiKey);
  }

  /** Forgets the key, the threads' places and what is unsent. */
  async signOut(): Promise<void> {
    const talks = [this.talk, ...this.#left.values()];
    this.#left.clear();
    this.#reset();
    this.route = { name: 'new' };
    this.#ports.address.replace(hashOf(this.route));
    await Promise.all(talks.map((talk) => talk?.close()));
    // After the goodbye: a closing client still writes down its place.
    this.#ports.keep.clear();
  }

  /** How many messages would be forgotten by signing out. */
  get unsent(): number {
    return [this.talk, ...this.#left.values()].reduce((n, talk) => n + (talk?.unsent ?? 0), 0);
  }

  newThread(): void {
    this.#go({ name: 'new' });
  }

  openThread(id: string): void {
    if (this.talk?.sessionId === id || this.archive?.sessionId === id) return;
    this.#go({ name: 'thread', id });
  }

  /** The person went back or forward, or changed the address. */
  addressChanged(): void {
    const route = parseRoute(this.#ports.address.hash());
    if (hashOf(route) === hashOf(this.route)) return;
    this.route = route;
    if (this.apiKey !== null) void this.#open();
  }

  /** Removes the open or another thread for good. `null` when it worked, otherwise what to say. */
  async erase(id: string): Promise<string | null> {
    const failed = (await this.threads?.erase(id)) ?? null;
    if (failed === null && this.route.name === 'thread' && this.route.id === id) this.newThread();
    return failed;
  }

  onChange(listener: (cause: ChangeCause) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #go(route: Route): void {
    this.route = route;
    this.#ports.address.push(hashOf(route));
    void this.#open();
  }

  #enter(apiKey: string): void {
    this.apiKey = apiKey;
    this.#useApi(apiKey);
    void this.#open();
  }

  #useApi(apiKey: string): void {
    this.threads?.close();
    this.threads = new Threads(this.#ports.threadsApi(apiKey));
    if (this.entered) void this.threads.refresh();
  }

  /** Opens what the route names. An archived thread has no line: it is read. */
  async #open(): Promise<void> {
    const opening = ++this.#opening;
    this.#leave();
    const { route } = this;
    if (route.name === 'thread' && (await this.#isArchived(route.id))) {
      if (opening === this.#opening) this.#read(route.id);
    } else if (opening === this.#opening) this.#talkTo(route.name === 'thread' ? route.id : null);
  }

  async #isArchived(id: string): Promise<boolean> {
    const known = this.threads?.find(id);
    if (known !== undefined) return known.archived;
    // A reload of a thread that was talked in goes straight to the line: it says itself whether the session is over.
    if (this.apiKey === null || this.#ports.keep.knows(id)) return false;
    try {
      const detail = await this.#ports.threadsApi(this.apiKey).detail(id, { limit: 1 });
      return detail.archived;
    } catch {
      // The line will tell.
      return false;
    }
  }

  #read(id: string): void {
    const api = this.apiKey === null ? undefined : this.#ports.threadsApi(this.apiKey);
    if (api === undefined) return;
    const archive = new Archive(api, id);
    this.archive = archive;
    void archive.load().then(() => {
      if (archive.phase !== 'ready') return;
      this.entered = true;
      this.#accepted();
    });
  }

  #talkTo(sessionId: string | null): void {
    const { keep, frames } = this.#ports;
    if (this.apiKey === null) return;
    const clientId = keep.clientId(sessionId);
    const kept = this.#left.get(clientId);
    this.#left.delete(clientId);
    if (kept !== undefined) {
      this.talk = kept;
      this.#changed(kept, 'state');
      return;
    }
    const client = this.#ports.createClient({
      clientId,
      apiKey: this.apiKey,
      storage: keep.clients,
      ...(sessionId === null ? {} : { sessionId }),
    });
    const talk: Talk = new Talk(client, clientId, frames, (cause) => this.#changed(talk, cause));
    this.talk = talk;
    client.connect();
  }

  /** Lets go of what is open. A thread with unsent messages lives on until they are stored. */
  #leave(): void {
    const { talk } = this;
    this.talk = null;
    this.archive = null;
    if (talk === null) return;
    if (talk.unsent > 0 && this.#left.size < MAX_LEFT) this.#left.set(talk.clientId, talk);
    else void talk.close();
  }

  #changed(talk: Talk, cause: ChangeCause): void {
    untrack(() => {
      if (talk !== this.talk) return this.#leftChanged(talk);
      this.#follow(talk);
      for (const listener of this.#listeners) listener(cause);
    });
  }

  #leftChanged(talk: Talk): void {
    if (talk.unsent > 0 || this.#left.get(talk.clientId) !== talk) return;
    this.#left.delete(talk.clientId);
    void talk.close();
    this.#refreshSoon();
  }

  #follow(talk: Talk): void {
    const { state, sessionId } = talk;
    this.subject = talk.conversation.session?.subject ?? this.subject;
    if (state.name === 'connected') {
      if (!this.entered || this.threads?.phase === 'first') {
        this.entered = true;
        void this.threads?.refresh();
      }
      this.refused = null;
      this.#accepted();
    }
    if (state.name === 'refused' && sessionId === null && refusalOf(state.error) === 'key') {
      this.refused = state.error;
      this.#leave();
      this.#reset();
      this.#ports.keep.apiKey = null;
      return;
    }
    if (sessionId !== null) this.#named(talk, sessionId);
    if (sessionId !== null && isErased(state)) this.threads?.forget(sessionId);
    if (state.name === 'connected') this.#refreshSoon();
  }

  #accepted(): void {
    if (this.#ports.keep.apiKey !== this.apiKey) this.#ports.keep.apiKey = this.apiKey;
  }

  /** The open thread has got its id, or has become another session. */
  #named(talk: Talk, sessionId: string): void {
    if (this.route.name === 'thread' && this.route.id === sessionId) return;
    const { previousSessionId } = talk.conversation.session ?? {};
    if (this.route.name === 'thread' && this.route.id === previousSessionId)
      this.threads?.ended(previousSessionId);
    this.#ports.keep.remember(sessionId, talk.clientId);
    this.route = { name: 'thread', id: sessionId };
    this.#ports.address.replace(hashOf(this.route));
  }

  #refreshSoon(): void {
    this.#refresh ??= setTimeout(() => {
      this.#refresh = undefined;
      if (this.entered) void this.threads?.refresh();
    }, REFRESH_AFTER_MS);
  }

  #reset(): void {
    this.threads?.close();
    this.talk = null;
    this.archive = null;
    this.threads = null;
    this.apiKey = null;
    this.subject = null;
    this.entered = false;
  }
}
