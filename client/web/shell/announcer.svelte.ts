/** What a screen reader is told when it has time. One polite region for the whole page (`Workspace.svelte`). */
export class Announcer {
  text = $state('');

  say(text: string): void {
    if (text !== '') this.text = text;
  }
}
