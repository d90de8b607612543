import { withoutHidden } from './invisible.ts';

/** Names that people and agents write. Another one stays as it was written. */
const NAMED: Record<string, string> = Object.fromEntries(
  (
    'amp=& lt=< gt=> quot=" apos=\' nbsp=\u00A0 copy=© reg=® trade=™ hellip=… mdash=— ndash=– lsquo=‘ rsquo=’ ldquo=“ ' +
    'rdquo=” laquo=« raquo=» bull=• middot=· sect=§ para=¶ deg=° plusmn=± times=× divide=÷ micro=µ frac12=½ frac14=¼ ' +
    'frac34=¾ sup1=¹ sup2=² sup3=³ euro=€ pound=£ yen=¥ cent=¢ larr=← uarr=↑ rarr=→ darr=↓ harr=↔ rArr=⇒ hArr=⇔ le=≤ ' +
    'ge=≥ ne=≠ asymp=≈ infin=∞ sum=∑ minus=− radic=√ pi=π alpha=α beta=β gamma=γ delta=δ lambda=λ mu=μ sigma=σ ' +
    'omega=ω Omega=Ω Delta=Δ auml=ä ouml=ö uuml=ü Auml=Ä Ouml=Ö Uuml=Ü szlig=ß eacute=é egrave=è agrave=à ccedil=ç ' +
    'ntilde=ñ check=✓ colon=: lpar=( rpar=) num=# lbrack=[ rbrack=] lowbar=_ ast=* grave=` vert=|'
  )
    .split(' ')
    .map((pair): [string, string] => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
);

const ENTITY = /&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|([a-zA-Z][a-zA-Z\d]{1,31}));/y;

/** The character reference that begins at `at`, without what deceives; `null`: there is none. */
export function entityAt(text: string, at: number): { readonly text: string; readonly end: number } | null {
  ENTITY.lastIndex = at;
  const match = ENTITY.exec(text);
  if (match === null) return null;
  const [, decimal, hex, name] = match;
  if (name !== undefined) {
    const named = Object.hasOwn(NAMED, name) ? NAMED[name] : undefined;
    return named === undefined ? null : { text: named, end: ENTITY.lastIndex };
  }
  const code = decimal === undefined ? Number.parseInt(hex ?? '', 16) : Number(decimal);
  const valid = code > 0 && code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff);
  return { text: valid ? withoutHidden(String.fromCodePoint(code)) : '\uFFFD', end: ENTITY.lastIndex };
}

/** Punctuation that a backslash before it makes plain. */
export const PUNCTUATION = /[!-/:-@[-`{-~]/;

/** A text in which backslashes and character references stand for what they mean, such as a link's destination. */
export function unescaped(text: string): string {
  if (!/[\\&]/.test(text)) return text;
  let plain = '';
  for (let i = 0; i < text.length; ) {
    const entity = text[i] === '&' ? entityAt(text, i) : null;
    if (entity !== null) {
      plain += entity.text;
      i = entity.end;
      continue;
    }
    if (text[i] === '\\' && PUNCTUATION.test(text[i + 1] ?? '')) i++;
    plain += text[i++];
  }
  return plain;
}
