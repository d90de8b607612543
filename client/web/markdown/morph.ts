/**
 * Makes `target`'s children equal to `source`'s, keeping the nodes that are the same, so that growing text does not lose
 * a selection, a scroll position or the focus. Takes the nodes it needs out of `source`.
 */
export function morphChildren(target: Node, source: Node): void {
  let have = target.firstChild;
  for (const want of [...source.childNodes]) {
    if (have === null) {
      target.appendChild(want);
      continue;
    }
    const next: ChildNode | null = have.nextSibling;
    if (!morphNode(have, want)) target.replaceChild(want, have);
    have = next;
  }
  while (have !== null) {
    const next: ChildNode | null = have.nextSibling;
    target.removeChild(have);
    have = next;
  }
}

/** `false`: too different, take the new one. */
function morphNode(have: ChildNode, want: ChildNode): boolean {
  if (have instanceof Text && want instanceof Text) {
    if (want.data.startsWith(have.data)) {
      if (want.data.length > have.data.length) have.appendData(want.data.slice(have.data.length));
    } else have.data = want.data;
    return true;
  }
  if (!(have instanceof Element && want instanceof Element) || have.tagName !== want.tagName) return false;
  for (const { name } of [...have.attributes]) if (!want.hasAttribute(name)) have.removeAttribute(name);
  for (const { name, value } of want.attributes)
    if (have.getAttribute(name) !== value) have.setAttribute(name, value);
  morphChildren(have, want);
  return true;
}
