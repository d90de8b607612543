// What the runners' JSON reports say, in one shape: {passed, failures, skipped}; the latter two
// are lists of texts, one for each test: its name, and for a failure what was wrong.

/** Reads Vitest's report. A file that could not be loaded is a failure although none of its tests ran. */
export function readVitest({ testResults }) {
  const tests = testResults.flatMap((file) => file.assertionResults);
  const unloaded = testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some(hasFailed),
  );
  return {
    passed: tests.filter((test) => test.status === 'passed').length,
    failures: [
      ...tests.filter(hasFailed).map((test) => told(test.fullName, test.failureMessages)),
      ...unloaded.map((file) => told(file.name, [file.message])),
    ],
    skipped: tests.filter((test) => !['passed', 'failed'].includes(test.status)).map((test) => test.fullName),
  };
}

function hasFailed(test) {
  return test.status === 'failed';
}

function told(name, messages) {
  return [name, ...messages].join('\n');
}

/** Reads Playwright's report. A test that passed only when it was repeated is a failure. */
export function readPlaywright({ suites, errors }) {
  const tests = suites.flatMap(testsOf);
  const those = (...statuses) => tests.filter((test) => statuses.includes(test.status));
  return {
    passed: those('expected').length,
    failures: [
      ...those('unexpected', 'flaky').map((test) => told(test.title, test.messages)),
      ...errors.map((error) => error.message),
    ],
    skipped: those('skipped').map((test) => test.title),
  };
}

function testsOf({ suites = [], specs = [] }) {
  const own = specs.flatMap(({ title, tests }) =>
    tests.map(({ status, projectName, results }) => ({
      status,
      title: `${projectName}: ${title}`,
      messages: results.flatMap(({ errors = [] }) => errors.map((error) => error.message)),
    })),
  );
  return [...own, ...suites.flatMap(testsOf)];
}
