import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A file system of its own, as small as a test wants it: what is full there is really full. */
export class SmallDisk implements Disposable {
  readonly path: string;

  private constructor(path: string) {
    this.path = path;
  }

  /** Mounts one of so many bytes. Throws where that is not allowed: a test that cannot run has failed. */
  static mount(bytes: number, { readOnly = false } = {}): SmallDisk {
    const path = mkdtempSync(join(tmpdir(), 'holdfast-disk-'));
    const owner = `uid=${process.getuid?.() ?? 0},gid=${process.getgid?.() ?? 0}`;
    const options = `size=${bytes},mode=0755,${owner}${readOnly ? ',ro' : ''}`;
    try {
      asRoot('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', path]);
    } catch (error) {
      rmdirSync(path);
      throw new Error(
        'This test mounts a small file system, and so needs Linux, and root or sudo without a password',
        {
          cause: error,
        },
      );
    }
    return new SmallDisk(path);
  }

  /** Bytes that are left. */
  get free(): number {
    const { bavail, bsize } = statfsSync(this.path);
    return bavail * bsize;
  }

  /** Takes all but so many bytes. Answers how to give them back. */
  fill(leaving = 0): () => void {
    const path = join(this.path, 'something-else');
    writeFileSync(path, Buffer.alloc(Math.max(0, this.free - leaving)));
    return () => rmSync(path);
  }

  [Symbol.dispose](): void {
    asRoot('umount', [this.path]);
    rmdirSync(this.path);
  }
}

function asRoot(command: string, args: readonly string[]): void {
  const [file, ...rest] = process.getuid?.() === 0 ? [command, ...args] : ['sudo', '-n', command, ...args];
  execFileSync(file ?? '', rest, { stdio: 'pipe' });
}
