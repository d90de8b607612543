import { styleText } from 'node:util';
import type { ClientEvent } from '../../client/sdk/index.ts';

/** One line of the conversation, as it was seen. */
export interface Seen {
  readonly id: string;
  readonly role: 'person' | 'agent';
  text: string;
}

const dim = (text: string) => styleText('dim', text);

/**
 * What a person saw, in the order in which it came: every chunk is written where it arrived and nothing is ever
 * rewritten. So a repeat or a hole in a restored answer would stay visible.
 */
export class Screen {
  readonly seen: Seen[] = [];
  #atLineStart = true;

  /** Shows what the client tells. */
  show(event: ClientEvent): void {
    switch (event.type) {
      case 'delta':
        return this.#write('agent', event.delta.message_id, event.delta.delta);
      case 'event':
        if (event.event.type === 'message_created') {
          const { id, parts } = event.event.data.message;
          this.#write('person', id, parts.map((part) => (part.type === 'text' ? part.text : '')).join(''));
          this.#endLine();
        }
        if (event.event.type === 'message_completed') this.#endLine();
        return;
      case 'state':
        if (event.state.name === 'waiting')
          this.note(`connection lost (${event.state.error.message}); trying again`);
        return;
      case 'caught_up':
        if (event.restored !== null) {
          const { tier, mode, away_ms, partial } = event.restored;
          const rest = partial === null ? '' : `, ${partial.chunks.length} chunks of the answer were missed`;
          this.note(`back: away ${away_ms} ms, tier ${tier}, ${mode}${rest}; the answer goes on`);
        }
        return;
      default:
        return;
    }
  }

  /** Words of the demo itself, set apart from what was said. */
  note(text: string): void {
    this.#endLine();
    process.stdout.write(`${dim(`  -- ${text}`)}\n`);
  }

  #write(role: Seen['role'], id: string, text: string): void {
    let line = this.seen.find((seen) => seen.id === id);
    if (line === undefined) {
      line = { id, role, text: '' };
      this.seen.push(line);
      this.#endLine();
    }
    if (this.#atLineStart)
      process.stdout.write(
        styleText(role === 'person' ? 'cyan' : 'green', role === 'person' ? '  you    ' : '  agent  '),
      );
    process.stdout.write(text);
    line.text += text;
    this.#atLineStart = false;
  }

  #endLine(): void {
    if (!this.#atLineStart) process.stdout.write('\n');
    this.#atLineStart = true;
  }
}
