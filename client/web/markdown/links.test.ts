import { expect, test } from 'vitest';
import { shown } from '../testing/markdown.ts';

const text = (markdown: string) => shown(markdown)[0]?.textContent;

test.each([
  ['https://evil.example', 'https://evil.example'],
  ['<https://evil.example/a?b#c>', 'https://evil.example/a?b#c'],
  ['www.evil.example/a', 'www.evil.example/a'],
  ['[evil.example](https://evil.example/login)', 'evil.example'],
  ['[192.0.2.1](http://3221225985)', '192.0.2.1'],
  ['[EVIL.example/a](https://evil.example/b)', 'EVIL.example/a'],
  ['[localhost:3000](http://localhost:3000/)', 'localhost:3000'],
  ['thief@evil.example', 'thief@evil.example'],
  ['[thief@evil.example](mailto:thief@evil.example)', 'thief@evil.example'],
])('WEB-27 %s says by itself where it leads', (markdown, expected) => {
  expect(text(markdown)).toBe(expected);
});

/** Texts that seem to lead to `bank.example`, or to nowhere in particular, and where the link leads in truth. */
const DECEIVING: readonly (readonly [markdown: string, destination: string])[] = [
  ['[the bank](https://evil.example)', 'evil.example'],
  ['[https://www.bank.example](https://bank.example)', 'bank.example'],
  ['[bаnk.example](https://evil.example)', 'evil.example'],
  ['[bank。example](https://evil.example)', 'evil.example'],
  ['[bank․example](https://evil.example)', 'evil.example'],
  ['[bank．example](https://evil.example)', 'evil.example'],
  ['[bank\u00ADexample.org](https://evil.example)', 'evil.example'],
  ['[bank\u200D.example](https://evil.example)', 'evil.example'],
  ['[bank\u200C.example\u200F](https://evil.example)', 'evil.example'],
  ['[bank .example](https://evil.example)', 'evil.example'],
  ['[bank(.)example](https://evil.example)', 'evil.example'],
  ['[b*a*nk`.`example](https://evil.example)', 'evil.example'],
  ['[bank&#46;example](https://evil.example)', 'evil.example'],
  ['[bank.example\\\nlogin](https://evil.example)', 'evil.example'],
  ['[https://bank.example@evil.example](https://bank.example@evil.example)', 'evil.example'],
  ['https://bank.example@evil.example', 'evil.example'],
  ['https://bank.example:x@evil.example/', 'evil.example'],
  ['https://evil.example/@bank.example', 'evil.example'],
  ['[evil.example/https://bank.example](https://evil.example)', 'evil.example'],
  ['[https://evil.example\\@bank.example](https://evil.example)', 'evil.example'],
  ['[bank.example](https://evil.example/bank.example)', 'evil.example'],
  ['[evil.example.bank.example](https://evil.example)', 'evil.example'],
  ['[evil.example](https://evil.example:8443)', 'evil.example:8443'],
  ['[bank.example (bank.example)](https://evil.example)', 'evil.example'],
  ['http://0xc0.0.2.1/', '192.0.2.1'],
  ['http://0300.0.0002.01/', '192.0.2.1'],
  ['http://192.0.513/', '192.0.2.1'],
  ['[192.0.2.2](http://3221225985)', '192.0.2.1'],
  ['[bank](http://[::ffff:192.0.2.1]/)', '[::ffff:c000:201]'],
  ['[аpple.example](https://аpple.example)', 'xn--pple-43d.example'],
  ['https://аpple.example/', 'xn--pple-43d.example'],
  ['[bank.example](https://bank%2Eexample.evil.example)', 'bank.example.evil.example'],
  ['[https:bank.example](https:evil.example)', 'evil.example'],
  ['[bank.example](https:/\\evil.example)', 'evil.example'],
  ['[write to us](mailto:thief@evil.example)', 'thief@evil.example'],
  ['[help@bank.example](mailto:thief@evil.example)', 'thief@evil.example'],
  [
    '[help@bank.example](mailto:help@bank.example,thief@evil.example)',
    'help@bank.example,thief@evil.example',
  ],
  [
    '[help@bank.example](mailto:help@bank.example%2Cthief@evil.example)',
    'help@bank.example%2Cthief@evil.example',
  ],
  ['[help@bаnk.example](mailto:help@bаnk.example)', 'help@b%D0%B0nk.example'],
];

test.each(DECEIVING)('WEB-27 behind %s stands where it leads', (markdown, destination) => {
  const [whole, grown] = shown(markdown);
  for (const host of [whole, grown])
    expect(host?.querySelector('a + .host')?.textContent).toBe(`(${destination})`);
});

test('WEB-27 an image, too, and nothing behind a link can take its place', () => {
  expect(text('![image at bank.example](https://evil.example/a.png)')).toBe(
    '[image at bank.example: image at evil.example]',
  );
  expect(text('[words](https://evil.example) (bank.example)')).toBe('words (evil.example) (bank.example)');
});

test('WEB-27 further recipients of a mail are left out', () => {
  const [host] = shown('[a@b.example](mailto:a@b.example?cc=thief@evil.example&subject=Hi&bcc=x@y.example)');
  expect(host?.querySelector('a')?.getAttribute('href')).toBe('mailto:a@b.example?subject=Hi');
});
