import { expect, test } from 'vitest';
import { revealHidden, withoutHidden } from './invisible.ts';

test('WEB-23 what deceives is taken out of what is read', () => {
  expect(withoutHidden('a\u202Eb\u2066c\u200Bd\uFEFFe\u{E0020}f\u0007g')).toBe('abcdefg');
  expect(withoutHidden('tab\tand\nline')).toBe('tab\tand\nline');
});

test('WEB-23 what deceives is spelled out where somebody decides', () => {
  expect(revealHidden('rm\u202E x')).toBe('rm⟨U+202E⟩ x');
  expect(revealHidden('a\u{E0041}')).toBe('a⟨U+E0041⟩');
  expect(revealHidden('zero\u200Dwidth')).toBe('zero⟨U+200D⟩width');
});
