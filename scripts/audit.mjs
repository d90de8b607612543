// `npm run audit`: asks the registry for known weaknesses of what is shipped. Ends with 0 when it knows none, 1 when it
// knows some, and 2 when it did not answer: then nobody has looked.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { projectEnv, root } from './run.mjs';

/** What the registry says, or `undefined` when it says nothing that can be read. */
async function ask() {
  const child = spawn('npm', ['audit', '--omit=dev', '--json'], {
    cwd: root,
    env: projectEnv(),
    stdio: ['ignore', 'pipe', 'inherit'],
    shell: process.platform === 'win32',
  });
  const closed = once(child, 'close').catch(() => undefined);
  const answer = await text(child.stdout);
  await closed;
  try {
    const report = JSON.parse(answer);
    return report.auditReportVersion === undefined ? undefined : report;
  } catch {
    return undefined;
  }
}

const report = await ask();
if (report === undefined) {
  console.error(
    'The registry did not answer: nobody has asked for weaknesses. Try again where it can be asked.',
  );
  process.exitCode = 2;
} else {
  const found = Object.values(report.vulnerabilities ?? {});
  for (const { name, severity, range, via } of found) {
    const titles = via.map((one) => (typeof one === 'string' ? `by ${one}` : `${one.title} ${one.url}`));
    console.log(`${name} ${range} (${severity}): ${titles.join('; ')}`);
  }
  console.log(
    found.length === 0
      ? 'no known weakness in what is shipped'
      : `${found.length} packages with known weaknesses`,
  );
  process.exitCode = found.length === 0 ? 0 : 1;
}
