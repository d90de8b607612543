import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';

/** A database whose statements are prepared once, by their text. Rows are trusted to be of the type that is named: the schema is STRICT. */
export class Sql {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, StatementSync>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  get<Row>(text: string, ...values: SQLInputValue[]): undefined | Row {
    return this.#statement(text).get(...values) as undefined | Row;
  }

  all<Row>(text: string, ...values: SQLInputValue[]): Row[] {
    return this.#statement(text).all(...values) as Row[];
  }

  /** Row by row, for results that may be too large to be held at once. To be left before another statement of this text begins. */
  each<Row>(text: string, ...values: SQLInputValue[]): Iterable<Row> {
    return this.#statement(text).iterate(...values) as Iterable<Row>;
  }

  /** How many rows changed. */
  run(text: string, ...values: SQLInputValue[]): number {
    return Number(this.#statement(text).run(...values).changes);
  }

  // Texts are constants of this folder, never made from input, so the map is bounded.
  #statement(text: string): StatementSync {
    let statement = this.#prepared.get(text);
    if (statement === undefined) {
      statement = this.#db.prepare(text);
      this.#prepared.set(text, statement);
    }
    return statement;
  }
}

/** `undefined` is NULL in the database. */
export const nullable = <T>(value: undefined | T): null | T => value ?? null;
export const optional = <T>(value: null | T): undefined | T => value ?? undefined;
