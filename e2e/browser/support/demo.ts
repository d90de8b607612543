/** What the demo agent answers to `count to N`. */
export const numbersTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1).join(' ');
