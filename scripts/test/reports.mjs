// What the runners' JSON reports say, in one shape: {passed, failed, skipped: titles}.

/** Reads Vitest's report. A file that could not be loaded is a failure although none of its tests ran. */
export function readVitest({ testResults }) {
  const tests = testResults.flatMap((file) => file.assertionResults);
  const unloaded = testResults.filter(
    (file) => file.status === 'failed' && !hasFailed(file.assertionResults),
  );
  return {
    passed: tests.filter((test) => test.status === 'passed').length,
    failed: tests.filter((test) => test.status === 'failed').length + unloaded.length,
    skipped: tests.filter((test) => !['passed', 'failed'].includes(test.status)).map((test) => test.fullName),
  };
}

function hasFailed(tests) {
  return tests.some((test) => test.status === 'failed');
}

/** Reads Playwright's report. A test that passed only when it was repeated is a failure. */
export function readPlaywright({ suites, errors }) {
  const tests = suites.flatMap(testsOf);
  const count = (...statuses) => tests.filter((test) => statuses.includes(test.status)).length;
  return {
    passed: count('expected'),
    failed: count('unexpected', 'flaky') + errors.length,
    skipped: tests.filter((test) => test.status === 'skipped').map((test) => test.title),
  };
}

function testsOf({ suites = [], specs = [] }) {
  const own = specs.flatMap(({ title, tests }) =>
    tests.map(({ status, projectName }) => ({ status, title: `${projectName}: ${title}` })),
  );
  return [...own, ...suites.flatMap(testsOf)];
}
