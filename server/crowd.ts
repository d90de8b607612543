/** What stands in the way of a newcomer, or whom it replaces. */
export type Entry<T> =
  | { readonly kind: 'enter' }
  /** There is no room, and the place of this member goes to the newcomer. */
  | { readonly kind: 'replace'; readonly member: T }
  /** `share`: the newcomer's own address has as many as it may; `full`: all have, and no address has more than this one. */
  | { readonly kind: 'refuse'; readonly why: 'share' | 'full' };

const ENTER = { kind: 'enter' } as const;
const REFUSE_SHARE = { kind: 'refuse', why: 'share' } as const;
const REFUSE_FULL = { kind: 'refuse', why: 'full' } as const;

/** How many may be there, in all and from one address; `Infinity`: any number. */
export interface CrowdLimits {
  readonly max: number;
  readonly maxPerAddress: number;
}

/**
 * Members by address, in the order in which they came: says who has to leave when there is no room, so that one address
 * cannot keep the others out. Every operation takes the same small time however many members there are. It decides and
 * counts; to close a connection is the caller's.
 */
export class Crowd<T> {
  readonly #byAddress = new Map<string, Set<T>>();
  /** Addresses by their number of members. */
  readonly #levels = new Map<number, Set<string>>();
  #top = 0;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  count(address: string): number {
    return this.#byAddress.get(address)?.size ?? 0;
  }

  /** What becomes of one more member of this address. Changes nothing. */
  judge(address: string, { max, maxPerAddress }: CrowdLimits): Entry<T> {
    const own = this.count(address);
    if (own >= maxPerAddress) return REFUSE_SHARE;
    if (this.#size < max) return ENTER;
    if (own >= this.#top) return REFUSE_FULL;
    const [busiest] = this.#levels.get(this.#top) ?? [];
    const [member] = (busiest === undefined ? undefined : this.#byAddress.get(busiest)) ?? [];
    return member === undefined ? REFUSE_FULL : { kind: 'replace', member };
  }

  /** Adds a member, or makes it the newest of its address. */
  add(address: string, member: T): void {
    const members = this.#byAddress.get(address) ?? new Set();
    const before = members.size;
    members.delete(member);
    members.add(member);
    this.#byAddress.set(address, members);
    this.#moved(address, before, members.size);
  }

  /** Takes a member out; one that is not there changes nothing. */
  remove(address: string, member: T): void {
    const members = this.#byAddress.get(address);
    if (members?.delete(member) !== true) return;
    if (members.size === 0) this.#byAddress.delete(address);
    this.#moved(address, members.size + 1, members.size);
  }

  has(address: string, member: T): boolean {
    return this.#byAddress.get(address)?.has(member) === true;
  }

  #moved(address: string, from: number, to: number): void {
    if (from === to) return;
    this.#size += to - from;
    const left = this.#levels.get(from);
    left?.delete(address);
    if (left?.size === 0) this.#levels.delete(from);
    if (to > 0) {
      const level = this.#levels.get(to);
      if (level === undefined) this.#levels.set(to, new Set([address]));
      else level.add(address);
    }
    // A count moves by one, so the level below the one that was emptied has the address that left it, or nobody is there.
    if (to > this.#top || (from === this.#top && left?.size === 0)) this.#top = to;
  }
}
