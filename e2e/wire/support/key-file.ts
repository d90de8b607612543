import { createHash } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A key as a test names it: in clear. */
export interface TestKey {
  readonly key: string;
  readonly subject: string;
  readonly permissions?: readonly ('chat' | 'operate' | 'admin')[];
  readonly workspaces?: readonly string[];
  readonly expires_at?: string;
  readonly retention?: string;
  readonly revoked?: boolean;
}

/** A key file that can be rewritten while servers read it. */
export class KeyFile implements AsyncDisposable {
  readonly path: string;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
    this.path = join(folder, 'keys.json');
  }

  static async create(keys: readonly TestKey[]): Promise<KeyFile> {
    const file = new KeyFile(await mkdtemp(join(tmpdir(), 'holdfast-keys-')));
    await file.write(keys);
    return file;
  }

  /** Replaces it as an operator's tool should: a reader sees the old file or the new one. */
  async write(keys: readonly TestKey[]): Promise<void> {
    const entries = keys.map(({ key, ...entry }) => ({
      sha256: createHash('sha256').update(key).digest('hex'),
      ...entry,
    }));
    await writeFile(`${this.path}.new`, JSON.stringify({ keys: entries }));
    await rename(`${this.path}.new`, this.path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true });
  }
}
