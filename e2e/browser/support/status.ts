import { expect, type Locator } from '@playwright/test';

type At = (testId: string) => Locator;

/** What the page says of its line; with `error`, what went wrong. Only a line that holds is authenticated. */
export async function expectStatus(
  at: At,
  { line, error }: { line: 'Connecting' | 'Connected' | 'Reconnecting' | 'Disconnected'; error?: string },
): Promise<void> {
  await expect(at('connection-status')).toHaveText(line);
  await expect(at('auth-status')).toHaveText(line === 'Connected' ? 'Authenticated' : 'Not Authenticated');
  if (error === undefined) await expect(at('error-message')).toHaveCount(0);
  else await expect(at('error-message')).toHaveText(error);
}
