/** The most characters that an expression may have. */
export const MAX_EXPRESSION = 200;

/** Why an expression has no value. */
export class BadExpression extends Error {
  override readonly name = 'BadExpression';
  readonly code: 'too_long' | 'syntax' | 'division_by_zero' | 'no_number';

  constructor(code: BadExpression['code'], message: string) {
    super(message);
    this.code = code;
  }
}

/**
 * The value of an expression of decimals, `+ - * / % ^`, signs and parentheses. `^` binds tightest and to the right, and
 * before a sign on its left: `-2^2` is -4. Bounded by the length of what it reads.
 * @throws BadExpression
 */
export function calculate(expression: string): number {
  if (expression.length > MAX_EXPRESSION)
    throw new BadExpression('too_long', `an expression may have ${MAX_EXPRESSION} characters`);
  const parser = new Parser(tokensOf(expression));
  const value = parser.sum();
  parser.end();
  if (!Number.isFinite(value))
    throw new BadExpression('no_number', 'the result is not a number that I can write');
  return value;
}

/** As a person would write it: without the last digits' noise of binary fractions. */
export function formatNumber(value: number): string {
  if (Object.is(value, -0)) return '0';
  return String(Number.isSafeInteger(value) ? value : Number(value.toPrecision(15)));
}

type Token = number | string;

const TOKEN = /\s*(?:(\d+(?:\.\d*)?|\.\d+)|([-+*/%^()]))/y;

function tokensOf(expression: string): Token[] {
  const tokens: Token[] = [];
  const text = expression.trimEnd();
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < text.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null)
      throw new BadExpression('syntax', `I do not understand "${text.slice(at).trim()[0]}"`);
    tokens.push(match[1] === undefined ? (match[2] ?? '') : Number(match[1]));
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  /** product (('+' | '-') product)* */
  sum(): number {
    let value = this.#product();
    for (let op = this.#take('+', '-'); op !== undefined; op = this.#take('+', '-')) {
      const right = this.#product();
      value = op === '+' ? value + right : value - right;
    }
    return value;
  }

  end(): void {
    const token = this.#tokens[this.#at];
    if (token !== undefined) throw new BadExpression('syntax', `"${token}" is not expected there`);
  }

  /** signed (('*' | '/' | '%') signed)* */
  #product(): number {
    let value = this.#signed();
    for (let op = this.#take('*', '/', '%'); op !== undefined; op = this.#take('*', '/', '%')) {
      const right = this.#signed();
      if (op !== '*' && right === 0) throw new BadExpression('division_by_zero', 'division by zero');
      value = op === '*' ? value * right : op === '/' ? value / right : value % right;
    }
    return value;
  }

  /** ('+' | '-')* power */
  #signed(): number {
    const sign = this.#take('+', '-');
    if (sign === undefined) return this.#power();
    const value = this.#signed();
    return sign === '-' ? -value : value;
  }

  /** atom ('^' signed)? */
  #power(): number {
    const base = this.#atom();
    if (this.#take('^') === undefined) return base;
    const exponent = this.#signed();
    if (base === 0 && exponent < 0) throw new BadExpression('division_by_zero', 'division by zero');
    return base ** exponent;
  }

  #atom(): number {
    const token = this.#tokens[this.#at];
    if (typeof token === 'number') {
      this.#at++;
      return token;
    }
    if (this.#take('(') === undefined)
      throw new BadExpression(
        'syntax',
        token === undefined ? 'it ends too early' : `"${token}" is not expected there`,
      );
    const value = this.sum();
    if (this.#take(')') === undefined) throw new BadExpression('syntax', 'a parenthesis is not closed');
    return value;
  }

  #take(...operators: string[]): undefined | string {
    const token = this.#tokens[this.#at];
    if (typeof token !== 'string' || !operators.includes(token)) return undefined;
    this.#at++;
    return token;
  }
}
